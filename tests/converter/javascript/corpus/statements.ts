import { type T, v as value } from './types';
import * as everything from './types';

const first = value
type A = string
;[1].forEach((n: number) => n)
const second: unknown = first
interface B { a: A }
(second as any)?.call?.()
export type Deep = { [K in keyof B as `x${K & string}`]: T extends infer U ? U : never };
let x: typeof import('./types');
const fn = function named<Q>(this: unknown, q?: Q): typeof q | undefined { return q; };
export const over = ((a: string, b = 2 as number) => a + b) as (a: string) => string;
export default function (q: typeof everything.v): void { void [q, fn, second, x!]; }
export abstract class Last { abstract a: string; protected abstract b(): void; c?: string; constructor(readonly d: T, e?: number) {
    void e;
  }
}
