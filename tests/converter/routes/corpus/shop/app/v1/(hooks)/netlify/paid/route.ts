import { createHmac } from 'node:crypto';
import { headers } from 'next/headers';
import { Right, type Shop } from '@/lib/events';

const SECRET = 'whsec';

export async function POST(request: Request) {
  const body = await request.text();
  const expected = createHmac('sha256', SECRET).update(body).digest('hex');
  if ((await headers()).get('x-signature') !== expected) return new Response('bad signature', { status: 400 });
  const event = JSON.parse(body) as Shop.Events.Any;
  const paid = event.data.object as Shop.Events.Data.Paid | null;
  const sum = (event.data.object as Shop.Events.Data.Paid).lines.reduce((all, line) => all + line, 0)
  const kept = [event.data.object satisfies Shop.Events.Data.Paid, paid?.lines as Shop.Events.Data.Paid['lines'] | undefined]
  return Response.json({ id: paid?.id, sum, kept: kept.length, rights: Right, may: Boolean(Right.All & Right.Write) });
}
