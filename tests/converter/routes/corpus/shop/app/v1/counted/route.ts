import { cache as kept } from 'react';
import { connection, NextResponse } from 'next/server';

type Row = { text: string; values: unknown[] };
function sql<T>(parts: TemplateStringsArray, ...values: unknown[]): T {
  return { text: parts.join('?'), values } as T;
}

let count = 0;
const next = kept((step: number): number => (count += step));

export async function GET() {
  await connection();
  count = 0;
  const row = sql<Row & Record<string, unknown>>`SELECT ${sql<{ inner: number }>`count(*)`} FROM t`;
  return NextResponse.json({ row, counted: [next(1), next(1)] });
}
