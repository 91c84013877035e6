import { after, NextResponse } from 'next/server';

export const runtime = 'edge';

const done: string[] = [];

export async function GET(request: Request, props: { params: Promise<{ name: string }> }) {
  const { name } = await props.params;
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(name));
  after(() => {
    done.push(name);
  });
  return NextResponse.json({ name, start: [...new Uint8Array(bytes).slice(0, 4)], region: process.env.SHOP_REGION ?? null });
}
