/** A few buffers that are used again and again, however many want one. */
export interface Pool {
  /** Resolves, in order of asking, when a buffer is free; anything may be in it. */
  borrow(): Promise<Buffer>;
  /** Nobody reads or writes it any more. */
  giveBack(buffer: Buffer): void;
}

/** So many buffers of `bytes` octets, each made when it is first needed. */
export function openPool(buffers: number, bytes: number): Pool {
  const free: Buffer[] = [];
  const waiting: ((buffer: Buffer) => void)[] = [];
  let made = 0;
  return {
    borrow: async () => {
      const spare = free.pop();
      if (spare) return spare;
      if (made === buffers) return new Promise((resolve) => waiting.push(resolve));
      made += 1;
      return Buffer.allocUnsafeSlow(bytes);
    },
    giveBack: (buffer) => {
      const next = waiting.shift();
      if (next) next(buffer);
      else free.push(buffer);
    },
  };
}
