import { NextResponse } from 'next/server';

const echo = async (request) =>
  NextResponse.json({
    method: request.method,
    search: Object.fromEntries(request.nextUrl.searchParams),
    type: request.headers.get('content-type'),
    text: ['GET', 'HEAD'].includes(request.method) ? null : await request.text(),
  });

export { echo as GET, echo as POST, echo as DELETE, echo as PATCH };
