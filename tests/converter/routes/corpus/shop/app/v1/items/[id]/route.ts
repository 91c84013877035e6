import { notFound } from 'next/navigation';
import { NextResponse } from 'next/server';
import { products } from '@/lib/db';

type Context = { params: Promise<{ id: string }> };

export async function GET(_request: Request, { params }: Context) {
  const { id } = await params;
  const product = products.find(id);
  if (!product) notFound();
  return NextResponse.json(product);
}

export const PUT = async (request: Request, context: Context) => {
  const { id } = await context.params;
  return Response.json({ id, got: await request.text() });
};

export async function DELETE() {
  return new Response(null, { status: 204 });
}
