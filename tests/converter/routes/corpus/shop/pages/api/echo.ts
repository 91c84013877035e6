import { NextApiRequest, NextApiResponse } from 'next';

export default async function echo(req: NextApiRequest, res: NextApiResponse) {
  const { method, url, query, cookies, body } = req;
  res.setHeader('X-Asked-By', req.headers['user-agent'] ?? 'nobody');
  res.json({ method, url, query, cookies, body: Buffer.isBuffer(body) ? { bytes: body.length } : body ?? null });
}
