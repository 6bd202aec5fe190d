import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import type { Target } from './served-program.ts';

/** One load: so many connections at once, each sending one message after another for `forMs`. */
export interface Load {
  readonly target: Target;
  readonly connections: number;
  readonly bytes: number;
  /** Whether a connection sends many messages, or each message has a connection of its own. */
  readonly perConnection: 'many' | 'one';
  readonly forMs: number;
  /** Distinguishes the Message-IDs of this load from those of any other. */
  readonly name: string;
}

/** What a load came to. Times are those of a transaction, from MAIL to the answer to the last octet. */
export interface Measured {
  readonly accepted: number;
  readonly refused: readonly string[];
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the client alone. */
  readonly cpuSeconds: number;
}

interface Lane {
  readonly load: Load;
  readonly deadline: number;
  readonly message: { readonly octets: Buffer; readonly numberAt: number };
  readonly times: number[];
  readonly refused: string[];
}

const numberDigits = 10;
/** A server that refuses this often is not measured any further. */
const mostRefused = 5;
const silenceMs = 20_000;

/** Sends until the time is over; a message under way then is finished and counts. */
export async function runLoad(load: Load): Promise<Measured> {
  const [times, refused]: [number[], string[]] = [[], []];
  const cpu = process.cpuUsage();
  const start = performance.now();
  const lanes = Array.from({ length: load.connections }, (_, lane) =>
    drive({
      load,
      deadline: start + load.forMs,
      message: compose(`${load.name}-${lane}`, load.bytes),
      times,
      refused,
    }),
  );
  await Promise.all(lanes);
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const sorted = times.toSorted((one, other) => one - other);
  return {
    accepted: times.length,
    refused,
    perSecond: times.length / seconds,
    p50Ms: sorted[Math.floor(sorted.length * 0.5)] ?? 0,
    p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
    cpuSeconds: (user + system) / 1_000_000,
  };
}

async function drive(lane: Lane): Promise<void> {
  const count = { sent: 0 };
  while (performance.now() < lane.deadline && lane.refused.length < mostRefused) {
    await connection(lane, count).catch((why: unknown) => lane.refused.push(String(why)));
  }
}

async function connection(lane: Lane, count: { sent: number }): Promise<void> {
  const session = await open(lane.load.target);
  do {
    count.sent += 1;
    await send(session, lane, count.sent);
  } while (lane.load.perConnection === 'many' && performance.now() < lane.deadline);
  session.end();
}

async function send(session: Session, { message, times, refused }: Lane, number: number): Promise<void> {
  message.octets.write(String(number).padStart(numberDigits, '0'), message.numberAt, 'latin1');
  const start = performance.now();
  await session.ask('MAIL FROM:<ann@example.com>\r\n');
  await session.ask('RCPT TO:<bob@example.org>\r\n');
  await session.ask('DATA\r\n');
  const reply = await session.ask(message.octets);
  if (reply.startsWith('250')) times.push(performance.now() - start);
  else refused.push(reply.trim());
}

/** A message of so many octets, its end included, with the place of the number that makes its Message-ID its own. */
function compose(name: string, bytes: number): Lane['message'] {
  const beforeNumber = `From: <ann@example.com>\r\nTo: <bob@example.org>\r\nSubject: A load\r\nDate: Mon, 02 Mar 2026 10:00:00 +0000\r\nMessage-ID: <${name}-`;
  const head = `${beforeNumber}${'0'.repeat(numberDigits)}@example.com>\r\n\r\n`;
  const line = `${'x'.repeat(70)}\r\n`;
  const body = line.repeat(Math.ceil(bytes / line.length)).slice(0, bytes - head.length - 5);
  return { octets: Buffer.from(`${head}${body}\r\n.\r\n`, 'latin1'), numberAt: beforeNumber.length };
}

interface Session {
  /** Sends and waits for the whole reply; one command at a time, as most clients do. */
  ask(octets: string | Buffer): Promise<string>;
  end(): void;
}

async function open({ port, tls, auth }: Target): Promise<Session> {
  const where = { host: '127.0.0.1', port };
  const socket = tls
    ? connectTls({ ...where, rejectUnauthorized: false })
    : connect({ ...where, noDelay: true });
  const session = converse(socket);
  await session.ask('');
  await session.ask('EHLO load.example.com\r\n');
  if (auth !== undefined) {
    const reply = await session.ask(`AUTH PLAIN ${auth}\r\n`);
    if (!reply.startsWith('235')) throw new Error(`the login was refused: ${reply}`);
  }
  return session;
}

const lastLine = /(?:^|\n)\d{3}(?: [^\n]*)?\r\n$/;

function converse(socket: Socket): Session {
  let heard = '';
  let waiting: { resolve(reply: string): void; reject(why: Error): void } | undefined;
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => {
    heard += text;
    if (!waiting || !lastLine.test(heard)) return;
    const [{ resolve }, reply] = [waiting, heard];
    waiting = undefined;
    heard = '';
    resolve(reply);
  });
  const fail = (why: Error) => waiting?.reject(why);
  socket.on('error', fail);
  socket.setTimeout(silenceMs, () => socket.destroy(new Error('the server says nothing')));
  socket.on('close', () => fail(new Error('the server closed the connection')));
  return {
    ask: (octets) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        if (octets.length > 0) socket.write(octets);
      }),
    end: () => socket.end('QUIT\r\n'),
  };
}
