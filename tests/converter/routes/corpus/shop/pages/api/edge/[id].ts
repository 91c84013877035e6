import type { NextRequest } from 'next/server';

export const config = { runtime: 'edge' };

export default (request: NextRequest) => new Response(request.nextUrl.searchParams.getAll('id').join());
