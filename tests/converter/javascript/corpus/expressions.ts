import type { T } from './types';
import { v } from './types';

declare const ambient: string;
declare function external(a: string): void;
declare global { interface Window { a: string } }
let later!: string;
const a = (x: number, y?: string, { z }: { z: T } = { z: 1 }): x is 1 => Boolean(x && y && z);
const b = <Q,>(q: Q): Q => q;
const c = async <Q>(q: Q): Promise<Q> => q;
const d = (later as unknown as { e: { f?: () => void } }).e!.f?.();
const e = v satisfies number as any;
const f = <any>v;
const g = new Map<string, Array<() => void>>();
const h = g.get('a')![0]!();
const i = { j<Q>(q: Q): Q { return q; }, k: (l: string): void => {}, async m(this: void, n: number) { return n; } } as const;
for (const o of [1, 2] as number[]) { console.log(o as number); }
try { c<string>('a'); } catch (error: unknown) { console.log((error as Error).message); }
function p(q: string): string;
function p(q: unknown): asserts q is string;
function p(q: any): any { return q; }
const r = (s: string): s is 'a' | 'b' => (s as string) === 'a';
const t = v < 1 || (v as number) > 2;
type Local = { a: string };
interface Other extends Local { b(): void }
export type { Local, Other };
export { a, b, type Local as L };
label: while (true) { break label; }
export default [c, d, e, f, h, i, p, r, t, ambient, external];
