import type { NextApiResponse } from 'next';
import { allow, withCors, withSession, type WithSession } from '../../lib/middleware';

async function session(req: WithSession, res: NextApiResponse): Promise<void> {
  res.status(200).json({ ...req.session!, method: req.method });
}

export default withCors(allow(['GET', 'POST'], withSession(session)), 'https://shop.example');
