import type { NextApiRequest, NextApiResponse } from 'next';
import products, { Store } from '~db';

export default function handler(req: NextApiRequest, res: NextApiResponse) {
  const id = req.query.id as string;
  const product = products.find(id);
  if (!product) return res.status(404).json({ error: `no product ${id}` });
  if (req.method === 'DELETE') return res.status(204).end();
  res.status(200).json({ ...product, store: products.name, instances: Store.instances });
}
