import type { NextApiRequest, NextApiResponse } from 'next';

export default async function handler(req: NextApiRequest, res: NextApiResponse) {
  if (req.query.late) await Promise.resolve();
  throw new Error('the password is hunter2');
}
