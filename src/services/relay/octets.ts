/** Octets that are too many for memory. */
export interface Streamed {
  readonly length: number;
  readonly beginning: Uint8Array;
  /** What follows the beginning, in pieces; each is overwritten when the next is asked for. */
  rest(): AsyncIterable<Uint8Array>;
}

/** Octets in memory that stand in several places, so that to put them together takes no copy. */
export interface Parts {
  readonly length: number;
  readonly parts: readonly Uint8Array[];
}

/** Octets in memory, or a stream of them that can be read more than once. */
export type Octets = Uint8Array | Parts | Streamed;

/** How much of streamed octets is in memory at a time: more than a socket takes without telling when it is done with it. */
export const pieceBytes = 256 * 1024;

/** All of them one after the other. */
export async function* piecesOf({ beginning, rest }: Streamed): AsyncGenerator<Uint8Array> {
  yield beginning;
  yield* rest();
}

/** All of them in memory, which is for what happens rarely. */
export async function wholeOf(octets: Octets): Promise<Buffer> {
  if (octets instanceof Uint8Array) return Buffer.from(octets.buffer, octets.byteOffset, octets.length);
  if ('parts' in octets) return Buffer.concat(octets.parts);
  const whole = Buffer.allocUnsafeSlow(octets.length);
  let filled = 0;
  for await (const piece of piecesOf(octets)) {
    whole.set(piece, filled);
    filled += piece.length;
  }
  return whole.subarray(0, filled);
}

/** What is left of parts without so many octets of their beginning. */
export function partsFrom(from: number, parts: readonly Uint8Array[]): readonly Uint8Array[] {
  let left = from;
  const behind: Uint8Array[] = [];
  for (const part of parts) {
    const cut = Math.min(left, part.length);
    left -= cut;
    if (cut < part.length) behind.push(cut === 0 ? part : part.subarray(cut));
  }
  return behind;
}
