import type { Random } from '../adapters/random.ts';

export type TokenSource = Pick<Random, 'bytes'>;

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Random letters and digits of both cases, as Postal names messages and links. */
export function randomToken(random: TokenSource, length: number): string {
  return Array.from(random.bytes(length), (byte) => letters.charAt(byte % letters.length)).join('');
}

/** A version 4 UUID (RFC 9562 §5.4). */
export function randomUuid(random: TokenSource): string {
  const bytes = Buffer.from(random.bytes(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
