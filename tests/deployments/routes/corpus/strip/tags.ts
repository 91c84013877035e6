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
export default [a, b, c, d, e];
