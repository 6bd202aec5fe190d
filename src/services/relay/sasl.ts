import { isUtf8 } from 'node:buffer';

import { Secret } from '../../domain/secret.ts';

/** What a client showed to be believed. */
export interface Login {
  readonly username: string;
  readonly password: Secret;
}

/** Text of a base64 line, exact: canonical padding, UTF-8; undefined otherwise. `=` is the empty text (RFC 4954 §4). */
export function decodeBase64(line: string): string | undefined {
  if (line === '=') return '';
  if (line.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(line)) return undefined;
  const octets = Buffer.from(line, 'base64');
  return octets.toString('base64') === line && isUtf8(octets) ? octets.toString('utf8') : undefined;
}

/** The PLAIN response (RFC 4616): authorisation as somebody else is no login. Undefined when it is malformed. */
export function decodePlain(line: string): Login | undefined {
  const parts = decodeBase64(line)?.split('\0');
  if (parts?.length !== 3) return undefined;
  const [actsAs, username, password] = parts;
  if (!username || !password || ![username, ''].includes(actsAs ?? '')) return undefined;
  return { username, password: new Secret(password) };
}
