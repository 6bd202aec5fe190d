import addressparser from 'nodemailer/lib/addressparser';

import { decodeWords } from '../domain/encoded-word.ts';

/** One header field: its name as written, its value unfolded (RFC 5322 §2.2.3) but not decoded. */
export interface Header {
  readonly name: string;
  readonly value: string;
}

/** Octets of the header section and of what follows the empty line. */
export function splitMessage(raw: Buffer): { head: Buffer; body: Buffer } {
  const crlf = raw.indexOf('\r\n\r\n');
  const lf = raw.indexOf('\n\n');
  const end = crlf >= 0 && (lf < 0 || crlf < lf) ? crlf + 4 : lf + 2;
  if (crlf < 0 && lf < 0) return { head: raw, body: Buffer.alloc(0) };
  return { head: raw.subarray(0, end), body: raw.subarray(end) };
}

/** The header fields of a message in order; lines that are none are left out. */
export function readHeaders(raw: Buffer): Header[] {
  const lines = splitMessage(raw)
    .head.toString('utf8')
    .replaceAll(/\r?\n[ \t]+/g, ' ')
    .split(/\r?\n/);
  return lines.flatMap((line) => {
    const colon = line.indexOf(':');
    return colon > 0 ? [{ name: line.slice(0, colon).trim(), value: line.slice(colon + 1).trim() }] : [];
  });
}

/** The last field of that name, as Postal reads it, with its encoded words decoded. */
export function headerText(headers: readonly Header[], name: string): string | null {
  const found = headers.findLast((header) => header.name.toLowerCase() === name);
  return found ? decodeWords(found.value) : null;
}

/** Domains in lower case of every mailbox in From:. */
export function fromDomains(headers: readonly Header[]): string[] {
  return headers
    .filter((header) => header.name.toLowerCase() === 'from')
    .flatMap((header) => addressparser(header.value, { flatten: true }))
    .map(({ address }) => address.slice(address.lastIndexOf('@') + 1).toLowerCase());
}

/** Octets as text in a charset; undefined when the charset is unknown. */
export function decodeCharset(bytes: Uint8Array, charset: string): string | undefined {
  try {
    return new TextDecoder(charset.replace(/\*.*$/, '')).decode(bytes);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
