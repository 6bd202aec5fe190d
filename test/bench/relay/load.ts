import { composeMessage, type LoadMessage } from './load-message.ts';
import { converse, type Script } from './load-session.ts';
import type { Target } from './served-program.ts';

/** How a client speaks: one command at a time, or MAIL, RCPT and DATA in one group (RFC 2920), as mail servers do. */
export type Manner = 'lockstep' | 'pipelined';

/** One load: so many connections at once, each sending one message after another for `forMs`. */
export interface Load {
  readonly target: Target;
  readonly connections: number;
  readonly bytes: number;
  /** Whether a connection sends many messages, or each message has a connection of its own. */
  readonly perConnection: 'many' | 'one';
  readonly manner: Manner;
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
  readonly message: LoadMessage;
  readonly times: number[];
  readonly refused: string[];
}

/** A server that refuses this often is not measured any further. */
const mostRefused = 5;
const silenceMs = 20_000;

const mail = 'MAIL FROM:<ann@example.com>\r\n';
const rcpt = 'RCPT TO:<bob@example.org>\r\n';
const data = 'DATA\r\n';
const begin: Readonly<Record<Manner, Script>> = {
  lockstep: [mail, rcpt, data].map((command) => ({ octets: Buffer.from(command), replies: 1 })),
  pipelined: [{ octets: Buffer.from(`${mail}${rcpt}${data}`), replies: 3 }],
};
const quit = Buffer.from('QUIT\r\n');

/** Sends until the time is over; a message under way then is finished and counts. */
export async function runLoad(load: Load): Promise<Measured> {
  const [times, refused]: [number[], string[]] = [[], []];
  const cpu = process.cpuUsage();
  const start = performance.now();
  const lanes = Array.from({ length: load.connections }, (_, lane) =>
    drive({
      load,
      deadline: start + load.forMs,
      message: composeMessage(`${load.name}-${lane}`, load.bytes),
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
  while (isGoingOn(lane)) {
    await converse(lane.load.target, { ...conversationOf(lane, count), silenceMs }).catch((why: unknown) =>
      lane.refused.push(String(why)),
    );
  }
}

function conversationOf(lane: Lane, count: { sent: number }) {
  const { load, message, times, refused } = lane;
  const { auth } = load.target;
  const opening: Script = [
    { octets: Buffer.alloc(0), replies: 1 },
    { octets: Buffer.from('EHLO load.example.com\r\n'), replies: 1 },
    ...(auth === undefined ? [] : [{ octets: Buffer.from(`AUTH PLAIN ${auth}\r\n`), replies: 1 }]),
  ];
  const transaction: Script = [...begin[load.manner], { octets: message.octets, replies: 1 }];
  let start = 0;
  let isFirst = true;
  return {
    opening,
    quit,
    next: (): Script | undefined => {
      if (!isFirst && (load.perConnection === 'one' || !isGoingOn(lane))) return undefined;
      isFirst = false;
      count.sent += 1;
      message.number(count.sent);
      start = performance.now();
      return transaction;
    },
    done: (reply: string) => {
      if (reply.startsWith('250')) times.push(performance.now() - start);
      else refused.push(reply.trim());
    },
  };
}

function isGoingOn({ deadline, refused }: Lane): boolean {
  return performance.now() < deadline && refused.length < mostRefused;
}
