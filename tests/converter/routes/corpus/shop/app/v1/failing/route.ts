import { NextRequest } from 'next/server';

export async function GET(request: NextRequest) {
  if (request.nextUrl.searchParams.has('nothing')) return undefined as unknown as Response;
  throw new Error('the password is hunter2');
}
