import { randomBytes, randomInt } from 'node:crypto';

import { Secret } from '../domain/secret.ts';

/** Randomness fit for secrets. */
export interface Random {
  bytes(count: number): Uint8Array;
  /** A number from 0 up to, not including, 1. */
  fraction(): number;
  /** 256 bits in `[A-Za-z0-9_-]`. */
  secret(): Secret;
  /** Letters and digits, for names that must survive any case-sensitive store. */
  letters(count: number): string;
}

const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';

export const systemRandom: Random = {
  bytes: openBytes(),
  fraction: () => randomInt(2 ** 32) / 2 ** 32,
  secret: () => new Secret(randomBytes(32).toString('base64url')),
  letters: drawLetters,
};

/** Asks the system for many octets at once, as ids need a few each; none is given twice. */
function openBytes(): Random['bytes'] {
  const drawnAtOnce = 4096;
  let pool = Buffer.alloc(0);
  return (count) => {
    if (count > drawnAtOnce / 8) return randomBytes(count);
    if (pool.length < count) pool = randomBytes(drawnAtOnce);
    const drawn = Uint8Array.from(pool.subarray(0, count));
    pool.fill(0, 0, count);
    pool = pool.subarray(count);
    return drawn;
  };
}

// Octets from here on are drawn again: every letter is equally likely.
const evenly = 256 - (256 % letters.length);

function drawLetters(count: number): string {
  let drawn = '';
  while (drawn.length < count) {
    for (const octet of randomBytes(2 * count)) {
      if (octet < evenly && drawn.length < count) drawn += letters.charAt(octet % letters.length);
    }
  }
  return drawn;
}
