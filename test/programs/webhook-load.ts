// Sends requests at a steady rate, whatever is answered. A process of its own, so that no pause of who asks for it is counted as one of who answers.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { json } from 'node:stream/consumers';

/** What is sent. */
export interface Order {
  readonly port: number;
  /** Holds the requests as they go on the wire, one behind the other. */
  readonly file: string;
  /** Octets of each. */
  readonly sizes: readonly number[];
  readonly perSecond: number;
  readonly connections: number;
}

/** How it went. */
export interface Sent {
  /** From when each was due until its answer. */
  readonly times: readonly number[];
  /** From the first request to the last answer. */
  readonly tookMs: number;
}

const tickMs = 2;

/** A connection and what it waits for. */
interface Line {
  readonly socket: Socket;
  dueMs: number;
  answer: string;
}

async function sendSteadily(order: Order): Promise<Sent> {
  const requests = requestsOf(order);
  const idle = await Promise.all(Array.from({ length: order.connections }, () => dial(order.port)));
  const lines = [...idle];
  const startMs = performance.now();
  const dueOf = (place: number) => startMs + (place / order.perSecond) * 1000;
  const times: number[] = [];
  let begun = 0;
  return new Promise((resolve, reject) => {
    const sendDue = (): void => {
      for (; begun < requests.length && dueOf(begun) <= performance.now(); begun += 1) {
        const line = idle.shift();
        if (!line) return;
        line.dueMs = dueOf(begun);
        line.answer = '';
        line.socket.write(requests[begun] ?? '');
      }
    };
    const end = (settle: () => void): void => {
      clearInterval(timer);
      lines.forEach(({ socket }) => socket.destroy());
      settle();
    };
    const take = (line: Line, piece: Buffer): void => {
      line.answer += piece.toString('latin1');
      if (!isWhole(line.answer)) return;
      if (!line.answer.startsWith('HTTP/1.1 200 '))
        return end(() => reject(new Error(`answered ${line.answer.slice(0, 200)}`)));
      times.push(performance.now() - line.dueMs);
      idle.push(line);
      if (times.length === requests.length)
        end(() => resolve({ times, tookMs: performance.now() - startMs }));
      else sendDue();
    };
    for (const line of lines)
      line.socket
        .on('data', (piece: Buffer) => take(line, piece))
        .on('error', (error) => end(() => reject(error)))
        .on('close', () => end(() => reject(new Error('a connection was closed'))));
    const timer = setInterval(sendDue, tickMs);
  });
}

function requestsOf({ file, sizes }: Order): readonly Buffer[] {
  const octets = readFileSync(file);
  let end = 0;
  return sizes.map((size) => octets.subarray(end, (end += size)));
}

function dial(port: number): Promise<Line> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    socket.once('error', reject).once('connect', () => resolve({ socket, dueMs: 0, answer: '' }));
  });
}

function isWhole(answer: string): boolean {
  const head = answer.indexOf('\r\n\r\n');
  const length = /\r\ncontent-length: (\d+)/i.exec(answer)?.[1];
  return head >= 0 && answer.length >= head + 4 + Number(length ?? 0);
}

const server = createServer(async (request, response) => {
  try {
    response.end(JSON.stringify(await sendSteadily((await json(request)) as Order)));
  } catch (error) {
    response.writeHead(500).end(String(error));
  }
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify(server.address() as AddressInfo)));
