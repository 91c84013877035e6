import type { Product } from './types';
import { Level } from './level';

export interface Row {
  id: string;
}

export type { Product };

const PRODUCTS: readonly Product[] = [
  { id: '1', name: 'Tea', price: 4.5, level: Level.Low },
  { id: '2', name: 'Büro & Café', price: 12, level: Level.High },
] as const satisfies readonly Product[];

export class Store<T extends Row> {
  declare kind: string;
  private readonly seen = new Map<string, number>();
  static instances = 0;

  constructor(private rows: readonly T[], public name: string = 'store') {
    Store.instances += 1;
  }

  find(id: string): T | undefined;
  find(id: string, fallback: T): T;
  find(id: string, fallback?: T): T | undefined {
    this.seen.set(id, (this.seen.get(id) ?? 0) + 1);
    return this.rows.find((row): row is T => row.id === id) ?? fallback;
  }

  all(this: Store<T>): T[] {
    return [...this.rows]!;
  }
}

export const products = new Store<Product>(PRODUCTS as readonly Product[]);

export default products;
