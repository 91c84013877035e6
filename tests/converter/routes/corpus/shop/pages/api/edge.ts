import type { NextRequest } from 'next/server';

export const config = { runtime: 'edge' };

export default async function handler(request: NextRequest) {
  const { searchParams } = new URL(request.url);
  return new Response(JSON.stringify({ method: request.method, name: searchParams.get('name') }), {
    status: 200,
    headers: { 'content-type': 'application/json' },
  });
}
