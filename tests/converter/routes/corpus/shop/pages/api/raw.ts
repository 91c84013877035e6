import type { NextApiRequest, NextApiResponse, PageConfig } from 'next';
import { createHash } from 'node:crypto';

export const config = { api: { bodyParser: false } } satisfies PageConfig;

export default async function handler(req: NextApiRequest, res: NextApiResponse) {
  const hash = createHash('sha256');
  let length = 0;
  for await (const chunk of req) {
    hash.update(chunk);
    length += chunk.length;
  }
  res.status(200).json({ length, sha256: hash.digest('hex'), body: req.body === undefined });
}
