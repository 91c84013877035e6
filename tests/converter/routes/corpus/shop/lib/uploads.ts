import type { NextApiRequest, NextApiResponse, PageConfig } from 'next';

export const config: PageConfig = { api: { bodyParser: false } };

export default async function handler(req: NextApiRequest, res: NextApiResponse) {
  let size = 0;
  for await (const part of req) size += part.length;
  res.json({ size, parsed: req.body !== undefined, production: process.env.NODE_ENV === 'production' });
}
