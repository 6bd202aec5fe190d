import { type BinaryLike, scrypt, type ScryptOptions, timingSafeEqual } from 'node:crypto';

import type { Secret } from './secret.ts';

/** scrypt (RFC 7914): 2^logN blocks of `r` × 128 octets, `p` times. It takes 128 × r × 2^logN octets of memory. */
export interface PasswordCost {
  readonly logN: number;
  readonly r: number;
  readonly p: number;
}

/** About 50 ms and 32 MB on a small server: a check is rare, because the relay remembers who it knows. */
const passwordCost: PasswordCost = { logN: 15, r: 8, p: 1 };

const keyLength = 32;
const mostLogN = 20;

/** A hash that carries its own cost and salt: `$scrypt$ln=15,r=8,p=1$<salt>$<hash>`. The salt is 16 random octets. */
export async function hashPassword(
  password: Secret,
  salt: Uint8Array,
  cost: PasswordCost = passwordCost,
): Promise<string> {
  const key = await derive(password, salt, cost);
  return `$scrypt$ln=${cost.logN},r=${cost.r},p=${cost.p}$${text(salt)}$${text(key)}`;
}

/** True when the password made this hash. A hash that cannot be read matches nothing. */
export async function passwordMatches(password: Secret, hash: string): Promise<boolean> {
  const match = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([\w+/-]+)\$([\w+/-]+)$/.exec(hash);
  if (!match || Number(match[1]) > mostLogN) return false;
  const cost = { logN: Number(match[1]), r: Number(match[2]), p: Number(match[3]) };
  const expected = Buffer.from(match[5] ?? '', 'base64url');
  const key = await derive(password, Buffer.from(match[4] ?? '', 'base64url'), cost);
  return expected.length === keyLength && timingSafeEqual(key, expected);
}

/** A hash of this cost that no password has, so that checking an unknown user takes as long as a known one. */
export function decoyHash(cost: PasswordCost = passwordCost): string {
  return `$scrypt$ln=${cost.logN},r=${cost.r},p=${cost.p}$${text(new Uint8Array(16))}$${text(new Uint8Array(keyLength))}`;
}

function derive(password: Secret, salt: BinaryLike, { logN, r, p }: PasswordCost): Promise<Buffer> {
  const options: ScryptOptions = { N: 2 ** logN, r, p, maxmem: 256 * r * 2 ** logN };
  return new Promise((resolve, reject) => {
    scrypt(password.reveal().normalize('NFC'), salt, keyLength, options, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
