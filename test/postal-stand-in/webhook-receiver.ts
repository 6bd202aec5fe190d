import { createServer } from 'node:http';

export interface Received {
  readonly url: string;
  readonly method: string;
  readonly httpVersion: string;
  readonly rawHeaders: readonly string[];
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  readonly event: string;
}

/** What a receiver answers: a status, or nothing at all. */
export type Answering = number | 'silence' | { readonly redirectTo: string };

export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly received: Received[];
  answer(how: Answering): void;
  /** The first request that fits, as soon as it is there. */
  next(fits: (received: Received) => boolean, withinMs?: number): Promise<Received>;
}

/** A real web server that keeps every webhook as it came over the wire. */
export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const listeners = new Set<() => void>();
  let how: Answering = 200;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const { url = '', method = '', httpVersion, rawHeaders, headers } = request;
      received.push({ url, method, httpVersion, rawHeaders, headers, body, event: eventOf(body) });
      for (const listener of listeners) listener();
      if (how === 'silence') return;
      if (typeof how === 'number') response.writeHead(how).end('ok');
      else response.writeHead(302, { location: how.redirectTo }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    received,
    answer: (answering) => {
      how = answering;
    },
    next: (fits, withinMs = 5000) => first(received, listeners, { fits, withinMs }),
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function eventOf(body: Buffer): string {
  const [, event = ''] = /"event":"([A-Za-z]+)"/.exec(body.toString('utf8')) ?? [];
  return event;
}

interface Wanted {
  readonly fits: (received: Received) => boolean;
  readonly withinMs: number;
}

function first(
  received: readonly Received[],
  listeners: Set<() => void>,
  { fits, withinMs }: Wanted,
): Promise<Received> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(deadline);
      listeners.delete(look);
    };
    const deadline = setTimeout(() => {
      end();
      reject(new Error(`not among ${received.map(({ event }) => event).join(', ') || 'nothing'}`));
    }, withinMs);
    const look = () => {
      const found = received.find(fits);
      if (!found) return;
      end();
      resolve(found);
    };
    listeners.add(look);
    look();
  });
}
