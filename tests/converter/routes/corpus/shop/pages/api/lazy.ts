import type { NextApiRequest, NextApiResponse } from 'next';

export default async function handler(req: NextApiRequest, res: NextApiResponse) {
  const { products } = await import('@/lib/db');
  const { Flag, Level } = await import('@/nowhere/level');
  const path = await import('node:path');
  res.json({ first: products.all()[0]!.name, level: Level.Named, flag: Flag.Write, base: path.posix.basename('/a/b') });
}
