import { waitUntil } from '@vercel/functions';
import type { NextApiRequest, NextApiResponse } from 'next';

let done = 0;

export default function handler(_: NextApiRequest, res: NextApiResponse) {
  waitUntil(Promise.resolve().then(() => { done += 1; }));
  res.json({ done });
}
