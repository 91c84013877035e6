import type { Level } from './level';

export type Product = { id: string; name: string; price: number; level: Level };
export interface Session {
  user: string;
  roles: string[];
}
