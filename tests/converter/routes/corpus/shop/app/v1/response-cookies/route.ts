import { NextRequest, NextResponse } from 'next/server';

export async function GET(request: NextRequest) {
  const response = NextResponse.json({ had: request.cookies.get('visits')?.value ?? '0', size: request.cookies.size });
  response.cookies.set('visits', String(Number(request.cookies.get('visits')?.value ?? 0) + 1));
  response.cookies.set({ name: 'id', value: 'a b;c', httpOnly: true, secure: true, sameSite: 'strict' });
  response.headers.append('set-cookie', 'plain=1');
  return response;
}
