import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { Submission } from '../../../../src/domain/submission.ts';
import { decodeSubmission } from '../../../../src/domain/submission-codec.ts';

/** What the api does with one request: a status, a body of its own, no answer at all, or the truth. */
export type Behaviour = 'judge' | 'swallow' | 'hang' | number | { readonly body: string };

export interface StandInApi extends AsyncDisposable {
  readonly url: string;
  /** How often each id was stored for the first time or again, in the order of the first. */
  readonly stored: Map<string, number>;
  /** Ids of each batch that came. */
  readonly batches: string[][];
  readonly requests: { readonly headers: IncomingMessage['headers']; readonly path: string }[];
  behave: (ids: readonly string[]) => Behaviour | Promise<Behaviour>;
  refuse: (id: string) => string | undefined;
  /** Looks at every submission that comes, stored or not. */
  inspect: (submission: Submission) => void;
  /** Waited for before the next piece of a body is read. */
  dawdle: () => Promise<void>;
  mostAtOnce(): number;
  /** Closes the door: connections are refused until `open`. */
  close(): Promise<void>;
  open(): Promise<void>;
}

/** An api that stores by id, once, and can be told to misbehave. */
export async function startStandInApi(): Promise<StandInApi> {
  let underWay = 0;
  let most = 0;
  let port = 0;
  const server = createServer((request, response) => {
    underWay += 1;
    most = Math.max(most, underWay);
    response.once('close', () => {
      underWay -= 1;
    });
    void answer(api, request, response);
  });
  const api: StandInApi = {
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    stored: new Map(),
    batches: [],
    requests: [],
    behave: () => 'judge',
    refuse: () => undefined,
    inspect: () => undefined,
    dawdle: async () => undefined,
    mostAtOnce: () => most,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
    open: async () => {
      await new Promise<void>((resolve) => {
        server.listen(port, '127.0.0.1', resolve);
      });
      port = (server.address() as AddressInfo).port;
    },
    [Symbol.asyncDispose]: () => api.close(),
  };
  await api.open();
  return api;
}

async function answer(api: StandInApi, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await bodyOf(api, request);
  if (!body) return;
  const ids = frames(body).map((frame) => read(api, frame));
  api.requests.push({ headers: request.headers, path: request.url ?? '' });
  api.batches.push(ids);
  const behaviour = await api.behave(ids);
  if (behaviour === 'hang') return;
  if (typeof behaviour === 'number') {
    response.writeHead(behaviour).end('{}');
    return;
  }
  if (typeof behaviour === 'object') {
    response.writeHead(200).end(behaviour.body);
    return;
  }
  const results = ids.map((id) => verdict(api, id));
  if (behaviour === 'swallow') response.destroy();
  else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ results }));
}

/** Undefined when the relay was gone in the middle of its request. */
async function bodyOf(api: StandInApi, request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) {
      chunks.push(chunk as Buffer);
      await api.dawdle();
    }
    return Buffer.concat(chunks);
  } catch (error) {
    if (request.complete) throw error;
    return undefined;
  }
}

function verdict(api: StandInApi, id: string): object {
  const reason = api.refuse(id) ?? (id === 'unknown' ? 'cannot be read' : undefined);
  if (reason !== undefined) return { id, verdict: 'refused', reason };
  api.stored.set(id, (api.stored.get(id) ?? 0) + 1);
  return { id, verdict: 'stored' };
}

/** Cuts a body into frames: four octets of length, big-endian, then so many octets. */
export function frames(body: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < body.length;) {
    const end = at + 4 + body.readUInt32BE(at);
    if (end > body.length) throw new Error('the framing is broken');
    found.push(body.subarray(at + 4, end));
    at = end;
  }
  return found;
}

function read(api: StandInApi, frame: Buffer): string {
  const decoded = decodeSubmission(frame);
  if (!decoded.ok) return decoded.id ?? 'unknown';
  api.inspect(decoded.submission);
  return decoded.submission.id;
}
