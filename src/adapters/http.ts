import { lookup, type LookupAddress } from 'node:dns';
import { isIP } from 'node:net';
import type { Readable } from 'node:stream';
import { rootCertificates } from 'node:tls';

import { Agent, buildConnector, request } from 'undici';

import type { AddressPolicy } from '../domain/ip-address.ts';

/** A request over HTTP/1.1. Redirects are never followed. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  /** A `host` in here is what goes on the wire, whatever the URL says. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | StreamedBody;
  /** Limit of the whole exchange, from connecting to the last byte of the answer. */
  readonly withinMs: number;
}

/** A body that is not in memory: so many octets in pieces. The next is asked for when the one before is gone, if that had 64 KiB or more. */
export interface StreamedBody {
  readonly bytes: number;
  readonly pieces: AsyncIterable<Uint8Array>;
}

/** How an exchange ended. `not-sent` is certain: no byte of the request left. */
export type HttpEnd =
  | {
      readonly end: 'answered';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: Buffer;
    }
  | { readonly end: 'not-sent'; readonly why: string; readonly forbidden: boolean }
  | { readonly end: 'no-answer'; readonly why: string };

/** Speaks HTTP; what the network does is a value, never an exception. */
export interface Http extends AsyncDisposable {
  exchange(request: HttpRequest): Promise<HttpEnd>;
}

export interface HttpOptions {
  /** Connections to one origin at once. */
  readonly connections: number;
  readonly connectTimeoutMs: number;
  /** Bytes of an answer that are kept; a longer one counts as no answer. */
  readonly mostAnswerBytes: number;
  /**
   * Keeping connections is faster. Without it every request has a connection of its own, so that one the server was just closing
   * is never mistaken for a request of unknown fate.
   */
  readonly keepAlive: boolean;
  /** Certificates, PEM, that vouch for a server besides the public ones. */
  readonly ca?: string;
  /** Asked about the very address that is connected to, so that no DNS answer can change in between. */
  readonly mayConnect?: AddressPolicy;
}

/** Opens a client with a pool of its own; disposing it ends what is under way. */
export function openHttp(options: HttpOptions): Http {
  const agent = new Agent({
    connections: options.connections,
    pipelining: options.keepAlive ? 1 : 0,
    connect: connector(options),
  });
  return {
    exchange: (asked) => exchange(agent, asked, options.mostAnswerBytes),
    [Symbol.asyncDispose]: () => agent.destroy(),
  };
}

async function exchange(agent: Agent, asked: HttpRequest, mostBytes: number): Promise<HttpEnd> {
  try {
    const { statusCode, headers, body } = await request(asked.url, {
      dispatcher: agent,
      method: asked.method,
      ...payloadOf(asked),
      headersTimeout: 0,
      bodyTimeout: 0,
      signal: AbortSignal.timeout(asked.withinMs),
    });
    const bytes = await bounded(body, mostBytes);
    return { end: 'answered', status: statusCode, headers: singleHeaders(headers), body: bytes };
  } catch (error) {
    return failureOf(error, asked.withinMs);
  }
}

/** A stream made of the pieces would ask for the next too early; undici takes them as they are, which its types do not say. */
function payloadOf({ headers, body }: HttpRequest) {
  if (typeof body !== 'object' || body instanceof Uint8Array)
    return { headers: { ...headers }, body: body ?? null };
  const pieces = body.pieces as Readable;
  return { headers: { ...headers, 'content-length': String(body.bytes) }, body: pieces };
}

async function bounded(body: AsyncIterable<Buffer>, mostBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.length;
    if (bytes > mostBytes) throw new Error(`the answer is longer than ${mostBytes} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function singleHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
}

function failureOf(error: unknown, withinMs: number): HttpEnd {
  if (error instanceof NotConnected)
    return { end: 'not-sent', why: error.message, forbidden: error.forbidden };
  if (!(error instanceof Error)) return { end: 'no-answer', why: String(error) };
  const why = error.name === 'TimeoutError' ? `no complete answer within ${withinMs} ms` : error.message;
  return { end: 'no-answer', why };
}

class NotConnected extends Error {
  readonly forbidden: boolean;

  constructor(message: string, forbidden: boolean) {
    super(message);
    this.forbidden = forbidden;
  }
}

class Forbidden extends Error {}

function connector({ connectTimeoutMs, mayConnect, ca }: HttpOptions): buildConnector.connector {
  const connect = buildConnector({
    timeout: connectTimeoutMs,
    ...(mayConnect && { lookup: guardedLookup(mayConnect) }),
    ...(ca !== undefined && { ca: [...rootCertificates, ca] }),
  });
  return (options, done) => {
    const literal = options.hostname.replace(/^\[|\]$/g, '');
    if (mayConnect && isIP(literal) !== 0 && !mayConnect(literal)) {
      done(new NotConnected(`the address ${literal} is not public`, true), null);
      return;
    }
    const startedMs = performance.now();
    connect(options, (error, socket) => {
      if (error) return done(notConnected(error), null);
      if (performance.now() - startedMs <= connectTimeoutMs) return done(null, socket);
      socket.destroy();
      return done(new NotConnected(`no connection within ${connectTimeoutMs} ms`, false), null);
    });
  };
}

function notConnected(error: Error): NotConnected {
  const first = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  const message = first instanceof Error ? first.message : error.message;
  return new NotConnected(message || error.name, first instanceof Forbidden);
}

type LookupDone = (error: Error | null, address: string | LookupAddress[], family?: number) => void;

/** A look-up whose answer holds allowed addresses only, and is the one that is connected to. */
function guardedLookup(mayConnect: AddressPolicy) {
  return (hostname: string, options: object, done: LookupDone): void => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return done(error, []);
      const allowed = found.filter(({ address }) => mayConnect(address));
      const [first] = allowed;
      if (!first) return done(new Forbidden(`${hostname} has no public address`), []);
      if ('all' in options && options.all) return done(null, allowed);
      return done(null, first.address, first.family);
    });
  };
}
