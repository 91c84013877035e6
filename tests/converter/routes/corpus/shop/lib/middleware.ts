import type { NextApiHandler, NextApiRequest, NextApiResponse } from 'next';
import { Session } from './types';

export type WithSession = NextApiRequest & { session?: Session };
type Handler = (req: WithSession, res: NextApiResponse) => unknown | Promise<unknown>;

export function withCors(handler: Handler, origin = '*'): NextApiHandler {
  return async (req, res) => {
    res.setHeader('Access-Control-Allow-Origin', origin);
    if (req.method === 'OPTIONS') {
      res.setHeader('Access-Control-Allow-Methods', 'GET, POST');
      return res.status(204).end();
    }
    return handler(req as WithSession, res);
  };
}

export const withSession =
  (handler: Handler): Handler =>
  async (req, res) => {
    const user = req.headers['x-user'];
    if (!user) return res.status(401).json({ error: 'sign in' });
    req.session = <Session>{ user: String(user), roles: ['reader'] };
    return handler(req, res);
  };

export function allow(methods: string[], handler: Handler): Handler {
  return (req, res) => {
    if (methods.includes(req.method ?? '')) return handler(req, res);
    res.setHeader('Allow', methods);
    res.status(405).end(`Method ${req.method} Not Allowed`);
  };
}
