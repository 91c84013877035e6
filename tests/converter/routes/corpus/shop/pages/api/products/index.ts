import type { NextApiRequest, NextApiResponse } from 'next';
import { catalogue, Level } from '@/lib';
import { type Product } from '@/lib/types';

export default function handler(req: NextApiRequest, res: NextApiResponse) {
  switch (req.method) {
    case 'GET': {
      const wanted = Number(req.query.level ?? Level.Low);
      const found: Product[] = catalogue.all().filter((product: Product) => Number(product.level) >= wanted);
      return res.status(200).json({ found, names: Level[0] });
    }
    case 'POST':
      if (!req.body?.name) return res.status(422).json({ error: 'name is missing' });
      return res.status(201).setHeader('Location', '/api/products/3').json({ id: '3', ...req.body });
    default:
      res.setHeader('Allow', ['GET', 'POST']);
      return res.status(405).end(`Method ${req.method} Not Allowed`);
  }
}
