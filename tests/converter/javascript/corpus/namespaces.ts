import type { v } from './types';
namespace Inner { export type A = v; export interface B { a: A } namespace Deep { type C = 1 } }
export namespace Outer { export type D = Inner.A }
declare namespace Elsewhere { const e: number }
export { Inner };
export default 1;
