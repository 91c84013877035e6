import type { NextApiRequest, NextApiResponse } from 'next';

export default async function handler(req: NextApiRequest, res: NextApiResponse) {
  res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache, no-transform' });
  for (let turn = 0; turn < 3; turn += 1) {
    res.write(`id: ${turn}\ndata: ${JSON.stringify({ turn })}\n\n`);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  res.end('data: [DONE]\n\n');
}
