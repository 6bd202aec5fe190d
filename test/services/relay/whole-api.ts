import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { decodeSubmission } from '../../../src/domain/submission-codec.ts';
import { frames } from './shipper/stand-in-api.ts';

/** What the relay needs of an api: it knows the login of ann, and stores messages by id, once. */
export interface WholeApi extends AsyncDisposable {
  readonly url: string;
  /** Sizes of the messages that came, by id. */
  readonly stored: Map<string, number>;
  readonly logins: string[];
  /** The status that batches are answered with from now on. */
  status: number;
  /** Domains that Postal has verified; undefined where nobody looks. */
  verified: readonly string[] | undefined;
  /** Looks at each message that comes, stored already or not. */
  inspect: (raw: Uint8Array) => void;
}

export async function startWholeApi(): Promise<WholeApi> {
  const stored = new Map<string, number>();
  const logins: string[] = [];
  const answers: Record<string, (body: Buffer) => object> = {
    '/internal/v1/smtp-auth': (body) => {
      logins.push(body.toString());
      const credential = { id: 'usr_ann', username: 'ann', senderDomains: ['Example.com'] };
      return body.includes('the right password')
        ? { outcome: 'accepted', credential }
        : { outcome: 'refused' };
    },
    '/internal/v1/sender-domains': () => senderDomains(api),
    '/internal/v1/submissions': (body) => ({ results: frames(body).map((frame) => store(api, frame)) }),
  };
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    const isRefused = request.url === '/internal/v1/submissions' && api.status !== 200;
    const answer = isRefused ? undefined : answers[request.url ?? ''];
    response.writeHead(answer ? 200 : isRefused ? api.status : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer?.(body) ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const api: WholeApi = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stored,
    logins,
    status: 200,
    verified: undefined,
    inspect: () => undefined,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return api;
}

function senderDomains({ verified }: WholeApi): object {
  const domains = verified && { names: verified, any: false, sender_suffices: false, age_ms: 0 };
  return { domains: domains ?? null, is_new: domains !== undefined };
}

function store({ stored, inspect }: WholeApi, frame: Buffer): object {
  const decoded = decodeSubmission(frame);
  if (!decoded.ok) return { id: decoded.id ?? 'unknown', verdict: 'refused', reason: decoded.reason };
  inspect(decoded.submission.raw);
  stored.set(decoded.submission.id, decoded.submission.raw.length);
  return { id: decoded.submission.id, verdict: 'stored' };
}
