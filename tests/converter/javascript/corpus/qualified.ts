import type { v } from './types';

declare const x: any;
const a = x.data.object as Stripe.Checkout.Session;
const b = (x as A.B.C | null)?.d;
const c = [x as A.B.C.D<E>[], x as A.B.C['id'], x as A . B . C, x satisfies A.B.C & D.E.F];
const d = x as keyof A.B.C ?? (x as unknown as A.B.C);
const e = async () => await x as A.B.C<v>;
export default [a, b, c, d, e, <A.B.C>x];
