import type { StdioOptions } from 'node:child_process';
import type { Duplex, Readable, Writable } from 'node:stream';

import { OperatorError } from '../domain/failure.ts';
import type { Argv } from './exec.ts';
import type { Begun, ProgramEnd, RunningProgram } from './running-program.ts';
import { type SealFailure, sealingProgram, type SealNews, type SealOrder } from './sealing-program.ts';
import { type Digest, notAsWritten } from './written-file.ts';

/** What passed from one program to the other. */
export interface Passed {
  readonly bytes: number;
  /** The last octets, 256 at most. */
  readonly tail: Buffer;
}

/** Two programs, the second of which reads what the first prints; what it prints is sealed into a file. */
export interface JoinedPrograms {
  /** What the first reads. */
  readonly input: Writable;
  /** In the order in which octets pass; all of them must end well. */
  readonly programs: readonly Pick<RunningProgram, 'name' | 'ended'>[];
  /** How the first ended. */
  readonly ended: Promise<ProgramEnd>;
  /** What passed once all is over; nothing where that was broken off. */
  readonly passed: Promise<Passed>;
  /**
   * What the file holds, once it is on the medium. Rejects when it could not be written: with the system's code, or as `check-failed`
   * where other octets are read back.
   */
  readonly sealed: Promise<Digest>;
  /** Octets of the file that are written and were read back. */
  bytes(): number;
  /** Ends them all, and what they started. */
  kill(): void;
}

/** Hears the first octets as they pass, 64 KiB at most. */
export type HearBeginning = (octets: Buffer) => void;

/**
 * Passes octets on between two programs with one buffer, and tells of them on its third channel: their beginning as it comes, then how
 * many they were and the last of them. Here they would come as garbage to be collected, some gigabytes of it.
 */
const passOn = `
const { readSync, writeSync } = require('node:fs');
const octets = Buffer.allocUnsafe(131072);
const tell = (what) => writeSync(3, JSON.stringify(what) + '\\n');
let bytes = 0;
let tail = Buffer.alloc(0);
try {
  for (let read = readSync(0, octets); read > 0; read = readSync(0, octets)) {
    for (let at = 0; at < read; at += writeSync(1, octets, at, read - at));
    if (bytes < 65536) tell({ begins: octets.toString('hex', 0, Math.min(read, 65536 - bytes)) });
    bytes += read;
    tail = Buffer.concat([tail, octets.subarray(Math.max(0, read - 256), read)]).subarray(-256);
  }
  tell({ bytes, tail: tail.toString('hex') });
} catch (error) {
  process.exitCode = error.code === 'EPIPE' ? 141 : 1;
}`;

/** Starts a program with these streams. */
export type Begin = (argv: Argv, stdio: StdioOptions) => Begun;

/** Joins two programs and the file that is sealed, so that what passes between them stays out of this process. */
export function join({ first, second, file, hear = () => undefined }: Joining, begin: Begin): JoinedPrograms {
  const sealer = begin(sealingProgram(), ['pipe', 'ignore', 'pipe', 'pipe']);
  const reader = begin(second, ['pipe', sealer.input, 'pipe']);
  sealer.input.destroy();
  const between = begin([process.execPath, '-e', passOn], ['pipe', reader.input, 'pipe', 'pipe']);
  reader.input.destroy();
  const source = begin(first, ['pipe', between.input, 'pipe']);
  between.input.destroy();
  const programs = [source, between, reader];
  const passed = heard(between.child.stdio[3] as Readable, hear);
  passed.catch(() => undefined);
  let bytes = 0;
  const sealed = sealedBy(sealer, file, (at) => (bytes = at));
  sealed.catch(() => undefined);
  return {
    input: source.input,
    programs,
    ended: source.ended,
    passed,
    sealed,
    bytes: () => bytes,
    kill: () => [...programs, sealer].forEach((program) => program.kill()),
  };
}

/** What is joined. */
export interface Joining {
  readonly first: Argv;
  readonly second: Argv;
  readonly file: SealOrder;
  readonly hear?: HearBeginning | undefined;
}

/** Tells the program what to seal, and hears what it says until it has ended. */
async function sealedBy(
  { child, ended }: Begun,
  order: SealOrder,
  hearAt: (bytes: number) => void,
): Promise<Digest> {
  const channel = child.stdio[3] as Duplex;
  channel.on('error', () => undefined);
  channel.write(`${JSON.stringify(order)}\n`);
  const told: { sealed?: Digest; failed?: SealFailure } = {};
  const hearing = hearLines<SealNews>(channel, (news) => {
    if ('at' in news) hearAt(news.at);
    else Object.assign(told, news);
  });
  const [{ exit, signal, complaint }] = await Promise.all([ended, hearing.catch(() => undefined)]);
  if (told.sealed && exit === 0) return told.sealed;
  if (!told.failed) throw sealerFailed(signal ?? `exit code ${exit}`, complaint);
  const { code, message } = told.failed;
  throw code === 'DIFFERS' ? notAsWritten(order.path) : Object.assign(new Error(message), { code });
}

function sealerFailed(how: string, complaint: string): OperatorError {
  return new OperatorError('unreachable', `what seals was ended by ${how}: ${complaint}`, {
    hint: 'See whether this machine is short of memory, and run it again',
  });
}

async function heard(channel: Readable, hear: HearBeginning): Promise<Passed> {
  let passed: Passed = { bytes: 0, tail: Buffer.alloc(0) };
  await hearLines<Told>(channel, ({ begins, bytes, tail }) => {
    if (begins !== undefined) hear(Buffer.from(begins, 'hex'));
    if (tail !== undefined) passed = { bytes: bytes ?? 0, tail: Buffer.from(tail, 'hex') };
  });
  return passed;
}

async function hearLines<T>(channel: Readable, hear: (told: T) => void): Promise<void> {
  let text = '';
  for await (const piece of channel.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (text + piece).split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) hear(JSON.parse(line) as T);
  }
}

interface Told {
  readonly begins?: string;
  readonly bytes?: number;
  readonly tail?: string;
}
