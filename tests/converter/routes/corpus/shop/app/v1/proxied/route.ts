import { NextResponse } from 'next/server';

export async function GET() {
  const upstream = new Response('from elsewhere', { headers: { 'set-cookie': 'id=1; Path=/; HttpOnly' } });
  upstream.headers.append('set-cookie', 'theme=dark');
  const response = new NextResponse(upstream.body, upstream);
  const before = response.cookies.get('id')?.value ?? 'none';
  response.cookies.set('id', '2');
  response.headers.set('x-before', before);
  return response;
}
