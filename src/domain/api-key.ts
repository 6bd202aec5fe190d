import { createHash, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';

import { type Id, isId } from './id.ts';
import { Secret } from './secret.ts';

/** What a key may be used for; `admin` includes the others. */
export const scopes = {
  send: 'hand in messages',
  read: 'read messages, events and statistics',
  admin: 'everything, with suppressions and webhook endpoints',
} as const satisfies Record<string, string>;

export type Scope = keyof typeof scopes;

/** True where a key with these scopes may do what needs `wanted`. */
export function allows(granted: readonly string[], wanted: Scope): boolean {
  return granted.includes(wanted) || granted.includes('admin');
}

/** A key as its holder presents it; only the digest of the secret is ever stored. */
export type PresentedKey =
  | { readonly kind: 'key'; readonly id: Id<'mk'>; readonly digest: Uint8Array }
  | { readonly kind: 'no-key' }
  | { readonly kind: 'mistyped' };

/** The full text `mk_<id>_<secret><checksum>`, all lower-case letters and digits, so that a double click selects it. */
export function composeApiKey(id: Id<'mk'>, secret: Secret): Secret {
  const body = `${id}_${secret.reveal()}`;
  return new Secret(body + checksum(body));
}

/** Reads a presented key. The checksum tells a typing or copying mistake from a wrong key without asking the database. */
export function readApiKey(text: string): PresentedKey {
  const match = /^(mk_[0-9a-z]{26})_([0-9a-z]{20,100})([0-9a-z]{7})$/.exec(text);
  const [, id = '', secret = '', sum = ''] = match ?? [];
  if (!isId('mk', id)) return { kind: text.startsWith('mk_') ? 'mistyped' : 'no-key' };
  if (checksum(`${id}_${secret}`) !== sum) return { kind: 'mistyped' };
  return { kind: 'key', id, digest: digestOf(new Secret(secret)) };
}

/** SHA-256 of a key's secret part: the key has 256 random bits, so a slow hash would add nothing. */
export function digestOf(secret: Secret): Uint8Array {
  return createHash('sha256').update(secret.reveal()).digest();
}

/** Compares two digests of equal length in constant time. */
export function digestsEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

/** True when two texts are equal, in a time that tells nothing of them but whether they are equally long. */
export function textsEqual(one: string, other: string): boolean {
  const [ours, theirs] = [Buffer.from(one), Buffer.from(other)];
  return ours.length === theirs.length && timingSafeEqual(ours, theirs);
}

function checksum(text: string): string {
  return crc32(text).toString(36).padStart(7, '0');
}
