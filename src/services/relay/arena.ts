/** Memory for whole messages, used again: freeing as much as they need takes the collector longer than the next one takes to come. */
export interface Arena {
  /** A buffer of so many octets, with anything in it. */
  borrow(bytes: number): Buffer;
  /** Nobody reads or writes it any more. */
  giveBack(buffer: Buffer): void;
}

/** Keeps the largest buffer that was given back. */
export function openArena(): Arena {
  let spare: ArrayBufferLike | undefined;
  return {
    borrow: (bytes) => {
      if (!spare || spare.byteLength < bytes) return Buffer.allocUnsafeSlow(bytes);
      const lent = Buffer.from(spare, 0, bytes);
      spare = undefined;
      return lent;
    },
    giveBack: ({ buffer }) => {
      if (!spare || buffer.byteLength > spare.byteLength) spare = buffer;
    },
  };
}
