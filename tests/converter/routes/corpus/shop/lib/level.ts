export enum Level {
  Low,
  Middle = 5,
  High,
  Named = 'named',
}

export const enum Flag {
  None = 0,
  Read = 1 << 0,
  Write = 1 << 1,
}
