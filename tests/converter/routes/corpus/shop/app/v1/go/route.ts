import { permanentRedirect, redirect } from 'next/navigation';
import { cookies } from 'next/headers';
import { NextResponse, NextRequest } from 'next/server';

export async function GET(request: NextRequest) {
  const to = request.nextUrl.searchParams.get('to');
  if (to === 'login') {
    (await cookies()).set('from', 'go');
    redirect('/login?next=%2Fgo');
  }
  if (to === 'forever') permanentRedirect('https://example.com/new');
  if (to === 'standard') return Response.redirect('https://example.com/standard', 303);
  const url = request.nextUrl.clone();
  url.pathname = '/elsewhere';
  url.search = '';
  url.host = 'example.com';
  url.protocol = 'https:';
  url.port = '';
  return NextResponse.redirect(url);
}
