import { createHash, createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Whose requests are believed. */
export interface Signer {
  readonly keyId: string;
  readonly secret: string;
}

const mostSkewMs = 15 * 60_000;

/**
 * True for a request whose AWS Signature Version 4 is right for its method, path, query and signed headers, is of now, and covers what it
 * must: the host and every `x-amz-…` header. Worked out here from AWS's description, not with the client's code.
 */
export function isSigned(request: IncomingMessage, body: Buffer, { keyId, secret }: Signer): boolean {
  const given = parse(String(request.headers.authorization));
  const date = String(request.headers['x-amz-date']);
  if (given?.keyId !== keyId || !isNow(date) || !date.startsWith(given.scope.split('/')[0] ?? '-'))
    return false;
  if (!coversAll(request, given.headers) || !isOfBody(request, body)) return false;
  const digest = sha256(canonical(request, given.headers));
  const text = ['AWS4-HMAC-SHA256', date, given.scope, digest].join('\n');
  const key = given.scope
    .split('/')
    .reduce<string | Buffer>((last, word) => hmac(last, word), `AWS4${secret}`);
  return hmac(key, text).toString('hex') === given.signature;
}

function parse(header: string) {
  const [, credential = '', names = '', signature = ''] =
    /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(header) ??
    [];
  const [keyId, ...scope] = credential.split('/');
  if (scope.length !== 4 || scope[2] !== 's3' || scope[3] !== 'aws4_request') return undefined;
  return { keyId, scope: scope.join('/'), headers: names.split(';'), signature };
}

function isNow(date: string): boolean {
  const [, ...parts] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date) ?? [];
  const [year, month, day, hour, minute, second] = parts;
  const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Math.abs(at - Date.now()) < mostSkewMs;
}

function coversAll({ headers }: IncomingMessage, signed: readonly string[]): boolean {
  const needed = ['host', ...Object.keys(headers).filter((name) => name.startsWith('x-amz-'))];
  return needed.every((name) => signed.includes(name));
}

/** A body need not be signed, but where its digest is, it must be that of what came. */
function isOfBody({ headers }: IncomingMessage, body: Buffer): boolean {
  const digest = headers['x-amz-content-sha256'];
  return digest === 'UNSIGNED-PAYLOAD' || digest === sha256(body);
}

function canonical({ method, url = '', headers }: IncomingMessage, signed: readonly string[]): string {
  const [path = '', query = ''] = url.split('?');
  const pairs = query.split('&').filter(Boolean);
  const sorted = pairs.map((pair) => (pair.includes('=') ? pair : `${pair}=`)).toSorted();
  return [
    method,
    path,
    sorted.join('&'),
    ...signed.map((name) => `${name}:${String(headers[name]).trim()}`),
    '',
    signed.join(';'),
    headers['x-amz-content-sha256'],
  ].join('\n');
}

function sha256(octets: string | Buffer): string {
  return createHash('sha256').update(octets).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
