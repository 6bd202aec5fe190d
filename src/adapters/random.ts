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
  bytes: (count) => randomBytes(count),
  fraction: () => randomInt(2 ** 32) / 2 ** 32,
  secret: () => new Secret(randomBytes(32).toString('base64url')),
  letters: (count) => Array.from({ length: count }, () => letters.charAt(randomInt(letters.length))).join(''),
};
