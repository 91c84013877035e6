import type { NextApiRequest, NextApiResponse } from 'next';

export default function handler(req: NextApiRequest, res: NextApiResponse) {
  if (req.query.to === 'permanent') return res.redirect(308, '/api/hello');
  if (req.query.to === 'other') return res.redirect(303, 'https://example.com/?a=1&b=2');
  return res.redirect('/api/hello');
}
