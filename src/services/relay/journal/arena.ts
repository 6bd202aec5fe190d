/** Memory for whole messages, used again: freeing as much as they need takes the collector longer than the next one takes to come. */
export interface Arena {
  /** A buffer of so many octets, with anything in it. */
  borrow(bytes: number): Buffer;
  /** Nobody reads or writes it any more. */
  giveBack(buffer: Buffer): void;
}

/** Keeps the largest buffers that were given back, so many of them. */
export function openArena(most = 1): Arena {
  let spares: ArrayBufferLike[] = [];
  return {
    borrow: (bytes) => {
      const fit = spares.find(({ byteLength }) => byteLength >= bytes);
      if (!fit) return Buffer.allocUnsafeSlow(bytes);
      spares = spares.filter((spare) => spare !== fit);
      return Buffer.from(fit, 0, bytes);
    },
    giveBack: ({ buffer }) => {
      const bySize = [...spares, buffer].toSorted((one, other) => other.byteLength - one.byteLength);
      spares = bySize.slice(0, most);
    },
  };
}
