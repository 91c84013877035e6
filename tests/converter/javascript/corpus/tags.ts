import type { v } from './types';
import { v as w } from './types';

declare const sql: any, x: any;
const a = sql<number>`count(*)`;
const b = x.$queryRaw<{ id: string; rows: v[] }[]>`SELECT ${sql<v | null>`inner ${w}`} FROM t`;
const c = w
  ? x.y<Map<string, A.B.C>>`
  in lines ${a}`
  : (x as A.B.C);
const d = () => `x`;
const e = w > `x` || (1 < 2 && w > `y`);
export class Query {
  text = sql<
    v,
    w
  >`q` as A.B.C;
}
const f = async () => await x.actual<typeof import('./types')>('./types');
const g = x.original<typeof import('./types')>();
const h = w > (1) || (w < 2 && w > (3)) || w < 4 === x > (5);
export default [f, g, h, a, b, c, d, e];
