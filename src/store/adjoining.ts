/** Octets that hold others, and where each of those begins in them. */
export interface OneBehindAnother {
  readonly octets: Uint8Array;
  readonly starts: readonly number[];
}

/** How much that is none of the parts may lie between them, as a part of the whole. */
const mostBetween = 0.2;

/** One stretch of octets with all the parts in it: the memory that they share, as those of one request do, or else a copy of each. */
export function oneBehindAnother(parts: readonly Uint8Array[]): OneBehindAnother {
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  const shared = sharedMemory(parts);
  if (shared && shared.length - bytes <= shared.length * mostBetween) {
    return { octets: shared, starts: parts.map(({ byteOffset }) => byteOffset - shared.byteOffset) };
  }
  let end = 0;
  return { octets: Buffer.concat(parts, bytes), starts: parts.map(({ length }) => (end += length) - length) };
}

/** Not the memory that Node deals out for small buffers: between ours would be anybody's octets. */
function sharedMemory(parts: readonly Uint8Array[]): Uint8Array | undefined {
  const [first] = parts;
  if (!first || first.buffer.byteLength <= Buffer.poolSize) return undefined;
  if (parts.some(({ buffer }) => buffer !== first.buffer)) return undefined;
  const from = Math.min(...parts.map(({ byteOffset }) => byteOffset));
  const to = Math.max(...parts.map(({ byteOffset, length }) => byteOffset + length));
  return Buffer.from(first.buffer, from, to - from);
}
