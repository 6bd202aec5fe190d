import { connect, type Socket } from 'node:net';

import type { Signed } from '../integration/api/signed-webhook.ts';

/** Octets of requests on their way, so that the load costs the machine little beside what is measured. */
export interface Load {
  readonly url: string;
  readonly perSecond: number;
  readonly connections: number;
}

const tickMs = 2;

/** The request as it goes on the wire. */
function octetsOf({ body, headers }: Signed, url: URL): Buffer {
  const fields = { host: url.host, 'content-length': body.length, ...headers };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([
    Buffer.from(`POST ${url.pathname} HTTP/1.1\r\n${lines.join('')}\r\n`),
    Buffer.from(body),
  ]);
}

interface Waiting {
  readonly octets: Buffer;
  readonly dueMs: number;
}

/** Sends at a steady rate, whatever is answered; gives the milliseconds from when each was due until its answer. */
export async function sendSteadily(bodies: readonly Signed[], load: Load): Promise<readonly number[]> {
  const url = new URL(load.url);
  const requests = bodies.map((body) => octetsOf(body, url));
  const sockets = await Promise.all(Array.from({ length: load.connections }, () => dial(url)));
  const startMs = performance.now();
  const dueOf = (place: number) => startMs + (place / load.perSecond) * 1000;
  const times: number[] = [];
  const idle = [...sockets];
  const waiting: Waiting[] = [];
  let begun = 0;
  return new Promise((resolve, reject) => {
    const sendNext = (): void => {
      while (waiting.length > 0 && idle.length > 0) {
        const [next, socket] = [waiting.shift(), idle.pop()];
        if (next && socket) exchange(socket, next).then(answered, failed);
      }
    };
    const answered = ({ socket, ms }: { readonly socket: Socket; readonly ms: number }): void => {
      idle.push(socket);
      times.push(ms);
      sendNext();
      if (times.length === bodies.length) end(() => resolve(times));
    };
    const failed = (error: unknown): void => end(() => reject(error));
    const end = (settle: () => void): void => {
      clearInterval(timer);
      sockets.forEach((socket) => socket.destroy());
      settle();
    };
    const timer = setInterval(() => {
      for (; begun < requests.length && dueOf(begun) <= performance.now(); begun += 1)
        waiting.push({ octets: requests[begun] ?? Buffer.alloc(0), dueMs: dueOf(begun) });
      sendNext();
    }, tickMs);
  });
}

function dial({ hostname, port }: URL): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    socket.once('error', reject).once('connect', () => resolve(socket));
  });
}

function exchange(socket: Socket, { octets, dueMs }: Waiting) {
  return new Promise<{ readonly socket: Socket; readonly ms: number }>((resolve, reject) => {
    let answer = '';
    const onData = (piece: Buffer): void => {
      answer += piece.toString('latin1');
      if (!isWhole(answer)) return;
      socket.off('data', onData).off('error', reject);
      if (answer.startsWith('HTTP/1.1 200 ')) resolve({ socket, ms: performance.now() - dueMs });
      else reject(new Error(`answered ${answer.slice(0, 200)}`));
    };
    socket.on('data', onData).once('error', reject).write(octets);
  });
}

function isWhole(answer: string): boolean {
  const head = answer.indexOf('\r\n\r\n');
  const length = /\r\ncontent-length: (\d+)/i.exec(answer)?.[1];
  return head >= 0 && answer.length >= head + 4 + Number(length ?? 0);
}
