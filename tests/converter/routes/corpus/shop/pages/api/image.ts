import type { NextApiRequest, NextApiResponse } from 'next';

const DOT = Buffer.from('R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==', 'base64');

export default function handler(_: NextApiRequest, res: NextApiResponse<Buffer>) {
  res.setHeader('Content-Type', 'image/gif');
  res.setHeader('Cache-Control', 'public, max-age=60');
  res.send(DOT);
}
