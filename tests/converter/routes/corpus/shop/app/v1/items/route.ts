import { NextResponse, type NextRequest } from 'next/server';
import { products, type Product } from '@/lib/db';

export async function GET(request: NextRequest) {
  const text = request.nextUrl.searchParams.get('q')?.toLowerCase() ?? '';
  const found = products.all().filter((product: Product) => product.name.toLowerCase().includes(text));
  return NextResponse.json({ found, path: request.nextUrl.pathname });
}

export async function POST(request: NextRequest) {
  const data = (await request.json().catch(() => null)) as { name?: string } | null;
  if (!data?.name) return NextResponse.json({ error: 'name is missing' }, { status: 400 });
  return NextResponse.json({ id: 3, ...data }, { status: 201, headers: { Location: '/v1/items/3' } });
}
