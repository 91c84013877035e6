export namespace Shop {
  export namespace Events {
    export type Any = { kind: string; data: { object: Data.Paid } };
    export namespace Data {
      export interface Paid { id: string; lines: number[] }
    }
  }
}

export enum Right {
  None,
  Read = 1 << 0,
  Write = Read << 1,
  All = Read | Right.Write,
  Next,
}
