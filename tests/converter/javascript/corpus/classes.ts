import { C, type T } from './types';

export default abstract class Shape<K extends T = T> extends C implements Iterable<K> {
  static #count: number = 0;
  protected readonly names?: string[];
  declare hidden: number;
  public static override: boolean = true;
  [key: string]: unknown;
  abstract area(): number;
  private value!: K;
  get size(): number { return 1 as number; }
  set size(to: number) { this.value = to as unknown as K; }
  optional?(): void {}
  async *walk<Q>(this: Shape<K>, q: Q, ...rest: readonly Q[]): AsyncGenerator<Q, void, unknown> { yield q; yield* rest; }
  method(a: string): void;
  method(a: number): void;
  method(a: string | number): void { void a; }
  [Symbol.iterator](): Iterator<K> { return [this.value][Symbol.iterator](); }
  static { Shape.#count += 1; }
}
