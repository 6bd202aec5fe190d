import { createHash, hash } from 'node:crypto';

import type { Soon } from './answers.ts';
import { type Octets, partsFrom } from './octets.ts';

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
export function digestsOf(who: string, data: ReceivedData, wantsBody: boolean): Soon<Digests> {
  return inOneCall(who, data, wantsBody) ?? piecemeal(who, data, wantsBody);
}

/** To make a Hash and feed it takes longer than to hash a small message; undefined for one that is not small. */
function inOneCall(
  who: string,
  { header, raw, from }: ReceivedData,
  wantsBody: boolean,
): Digests | undefined {
  const rest = inMemory(raw, from);
  if (!rest) return undefined;
  const start = Buffer.byteLength(who);
  let end = start + header.length;
  if (end + raw.length - from > scratch.length) return undefined;
  scratch.write(who);
  scratch.set(header, start);
  for (const part of rest) {
    scratch.set(part, end);
    end += part.length;
  }
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
  if ('rest' in raw) for await (const piece of raw.rest()) add(piece);
  else inMemory(raw, from)?.forEach(add);
  return { whole: whole.digest(), body: body?.digest() };
}

function inMemory(raw: Octets, from: number): readonly Uint8Array[] | undefined {
  if (raw instanceof Uint8Array) return [raw.subarray(from)];
  return 'parts' in raw ? partsFrom(from, raw.parts) : undefined;
}
