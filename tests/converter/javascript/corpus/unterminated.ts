const key: unique symbol = Symbol()
const other = Symbol()
export class Store {
  private readonly [key] = other
  protected readonly [other] = key as
    unknown as symbol
  private *walk(): Generator<number> { yield 1 }
  get: string | undefined
  commit(): void {}
  static async: number
  run() { return 1 }
}
const all = other as symbol
;[1].forEach(String)
export default all
