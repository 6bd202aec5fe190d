import { isUtf8 } from 'node:buffer';

import { type Id, isId } from './id.ts';
import type { Submission } from './submission.ts';

// version 1 · flags 1 · received-at 6 (ms) · id · credential · client name · client address · mail-from
// · recipients 4 + each · [dedupe key · digest] · message. Texts and octets stand behind a length of 4.
const version = 1;
const flagHttp = 1;
const flagDedupe = 2;
const fixedBytes = 8;

export type Decoded =
  | { readonly ok: true; readonly submission: Submission }
  | { readonly ok: false; readonly reason: string; readonly id?: Id<'msg'> };

/** One submission as journal and wire carry it: binary, versioned, without base64. */
export function encodeSubmission(submission: Submission): Uint8Array {
  return Buffer.concat([encodeHead(submission), submission.raw]);
}

/** A submission of whose message only the length has to be known. */
export type Described = Omit<Submission, 'raw'> & { readonly raw: { readonly length: number } };

/** All of an encoded submission that stands before the message's own octets, so that these need no copy. */
export function encodeHead(submission: Described): Uint8Array {
  const { envelope, client, dedupe, raw } = submission;
  const texts = [submission.id, submission.credentialId, client.name, client.address, envelope.mailFrom];
  const head = openWriter(headBytes(texts, submission));
  head.number(version, 1);
  head.number((submission.source === 'http' ? flagHttp : 0) | (dedupe ? flagDedupe : 0), 1);
  head.number(submission.receivedAt.getTime(), 6);
  texts.forEach(head.text);
  head.number(envelope.rcptTo.length, 4);
  envelope.rcptTo.forEach(head.text);
  if (dedupe) {
    head.text(dedupe.key);
    head.octets(dedupe.digest);
  }
  head.number(raw.length, 4);
  return head.bytes;
}

/** Reads one encoded submission; `raw` and `digest` are views of `bytes`. Never throws, whatever the octets are. */
export function decodeSubmission(bytes: Uint8Array): Decoded {
  const from = openReader(bytes);
  const seen = from.number(1);
  if (seen !== version) return { ok: false, reason: `unknown version ${seen}` };
  const flags = from.number(1);
  const receivedAt = new Date(from.number(6));
  const id = from.text();
  if (!isId('msg', id)) return { ok: false, reason: 'the id is damaged' };
  if (flags > (flagHttp | flagDedupe)) return { ok: false, reason: `unknown flags ${flags}`, id };
  const source = flags & flagHttp ? 'http' : 'smtp';
  const submission: Submission = { id, receivedAt, source, ...readBody(from, (flags & flagDedupe) > 0) };
  const reason = from.fault() ?? (from.left() > 0 ? `${from.left()} octets too many` : undefined);
  return reason === undefined ? { ok: true, submission } : { ok: false, reason, id };
}

/** The id of an encoded submission, from its first octets alone; undefined where it cannot be read. */
export function idOfSubmission(bytes: Uint8Array): Id<'msg'> | undefined {
  const from = openReader(bytes);
  const known = from.number(1) === version;
  from.number(1);
  from.number(6);
  const id = from.text();
  return known && from.fault() === undefined && isId('msg', id) ? id : undefined;
}

/** When an encoded submission was received, from its first octets alone; undefined when there are too few. */
export function receivedAtOf(bytes: Uint8Array): Date | undefined {
  const from = openReader(bytes);
  const known = from.number(1) === version;
  from.number(1);
  const receivedAt = new Date(from.number(6));
  return known && from.fault() === undefined ? receivedAt : undefined;
}

function headBytes(texts: readonly string[], { envelope, dedupe }: Described): number {
  const every = [...texts, ...envelope.rcptTo, ...(dedupe ? [dedupe.key] : [])];
  const textBytes = every.reduce((sum, text) => sum + 4 + Buffer.byteLength(text), 0);
  return fixedBytes + textBytes + 4 + (dedupe ? 4 + dedupe.digest.length : 0) + 4;
}

function openWriter(length: number) {
  const bytes = Buffer.allocUnsafe(length);
  let at = 0;
  const number = (value: number, width: number): void => {
    at = bytes.writeUIntBE(value, at, width);
  };
  return {
    bytes,
    number,
    text: (value: string): void => {
      const written = bytes.write(value, at + 4);
      number(written, 4);
      at += written;
    },
    octets: (value: Uint8Array): void => {
      number(value.length, 4);
      bytes.set(value, at);
      at += value.length;
    },
  };
}

/** Reads in order and never beyond the end: after the first fault every number is 0 and every text empty. */
interface Reader {
  number(width: number): number;
  octets(): Uint8Array;
  text(): string;
  texts(): readonly string[];
  left(): number;
  /** The first thing that was wrong. */
  fault(): string | undefined;
}

function openReader(source: Uint8Array): Reader {
  const bytes = Buffer.from(source.buffer, source.byteOffset, source.byteLength);
  let at = 0;
  let fault: string | undefined;
  const left = () => bytes.length - at;
  /** Steps over so many octets; false where there are not so many, or something was wrong before. */
  const step = (length: number): boolean => {
    if (length > left()) fault ??= `ends ${length - left()} octets too early`;
    if (fault !== undefined) return false;
    at += length;
    return true;
  };
  const number = (width: number) => (step(width) ? bytes.readUIntBE(at - width, width) : 0);
  const octets = () => {
    const length = number(4);
    return step(length) ? bytes.subarray(at - length, at) : bytes.subarray(0, 0);
  };
  const text = () => {
    const length = number(4);
    if (!step(length)) return '';
    const found = bytes.toString('utf8', at - length, at);
    if (found.includes('\uFFFD') && !isUtf8(bytes.subarray(at - length, at))) fault ??= 'a text is not UTF-8';
    return found;
  };
  const texts = () => {
    const count = number(4);
    if (count * 4 > left()) fault ??= `says ${count} recipients and is too short for them`;
    return Array.from({ length: fault === undefined ? count : 0 }, text);
  };
  return { number, octets, text, texts, left, fault: () => fault };
}

function readBody(from: Reader, hasDedupe: boolean): Omit<Submission, 'id' | 'receivedAt' | 'source'> {
  return {
    credentialId: from.text(),
    client: { name: from.text(), address: from.text() },
    envelope: { mailFrom: from.text(), rcptTo: from.texts() },
    ...(hasDedupe ? { dedupe: { key: from.text(), digest: from.octets() } } : {}),
    raw: from.octets(),
  };
}
