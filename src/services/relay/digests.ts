import { createHash, hash } from 'node:crypto';

import type { Octets } from './octets.ts';

/** What a client sent after DATA, as far as it is there: its header as it came, and the message as it is kept. */
export interface ReceivedData {
  readonly header: Uint8Array;
  /** Has what came after the header from octet `from` on. */
  readonly raw: Octets;
  readonly from: number;
}

export interface Digests {
  /** SHA-256 over `who` and the DATA octets. */
  readonly whole: Buffer;
  /** Over the DATA octets alone, where it is wanted. */
  readonly body: Buffer | undefined;
}

/** Only within one call, so that all may share it. */
const scratch = Buffer.allocUnsafeSlow(64 * 1024);

/** The digests by which a message that is sent again is known. */
export async function digestsOf(who: string, data: ReceivedData, wantsBody: boolean): Promise<Digests> {
  return inOneCall(who, data, wantsBody) ?? piecemeal(who, data, wantsBody);
}

/** To make a Hash and feed it takes longer than to hash a small message; undefined for one that is not small. */
function inOneCall(
  who: string,
  { header, raw, from }: ReceivedData,
  wantsBody: boolean,
): Digests | undefined {
  if (!(raw instanceof Uint8Array)) return undefined;
  const start = Buffer.byteLength(who);
  const end = start + header.length + raw.length - from;
  if (end > scratch.length) return undefined;
  scratch.write(who);
  scratch.set(header, start);
  scratch.set(raw.subarray(from), start + header.length);
  const sha256 = (at: number) => hash('sha256', scratch.subarray(at, end), 'buffer');
  return { whole: sha256(0), body: wantsBody ? sha256(start) : undefined };
}

async function piecemeal(
  who: string,
  { header, raw, from }: ReceivedData,
  wantsBody: boolean,
): Promise<Digests> {
  const whole = createHash('sha256').update(who);
  const body = wantsBody ? createHash('sha256') : undefined;
  const add = (octets: Uint8Array) => {
    whole.update(octets);
    body?.update(octets);
  };
  add(header);
  if (raw instanceof Uint8Array) add(raw.subarray(from));
  else for await (const piece of raw.rest()) add(piece);
  return { whole: whole.digest(), body: body?.digest() };
}
