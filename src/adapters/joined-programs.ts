import type { StdioOptions } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

import type { Argv } from './exec.ts';
import { type Begun, kept, type ProgramEnd, type RunningProgram } from './running-program.ts';

/** What passed from one program to the other. */
export interface Passed {
  readonly bytes: number;
  /** The last octets, 256 at most. */
  readonly tail: Buffer;
}

/** Two programs, the second of which reads what the first prints. */
export interface JoinedPrograms {
  /** What the first reads, and what the second prints. */
  readonly input: Writable;
  readonly output: Readable;
  /** In the order in which octets pass; all of them must end well. */
  readonly programs: readonly Pick<RunningProgram, 'name' | 'ended'>[];
  /** How the first ended. */
  readonly ended: Promise<ProgramEnd>;
  /** What passed once all is over; nothing where that was broken off. */
  readonly passed: Promise<Passed>;
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
const octets = Buffer.allocUnsafe(1048576);
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

/** Joins two programs, so that what passes between them stays out of this process. */
export function join(
  [first, second]: readonly [Argv, Argv],
  begin: Begin,
  hear: HearBeginning = () => undefined,
): JoinedPrograms {
  const reader = begin(second, ['pipe', 'pipe', 'pipe']);
  const between = begin([process.execPath, '-e', passOn], ['pipe', reader.input, 'pipe', 'pipe']);
  reader.input.destroy();
  const source = begin(first, ['pipe', between.input, 'pipe']);
  between.input.destroy();
  const programs = [source, between, reader];
  const passed = heard(between.child.stdio[3] as Readable, hear);
  passed.catch(() => undefined);
  return {
    input: source.input,
    output: kept(reader.child.stdio[1] as Readable),
    programs,
    ended: source.ended,
    passed,
    kill: () => programs.forEach((program) => program.kill()),
  };
}

async function heard(told: Readable, hear: HearBeginning): Promise<Passed> {
  let passed: Passed = { bytes: 0, tail: Buffer.alloc(0) };
  let text = '';
  for await (const piece of told.setEncoding('latin1') as AsyncIterable<string>) {
    const lines = (text + piece).split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) {
      const { begins, bytes, tail } = JSON.parse(line) as Told;
      if (begins !== undefined) hear(Buffer.from(begins, 'hex'));
      if (tail !== undefined) passed = { bytes: bytes ?? 0, tail: Buffer.from(tail, 'hex') };
    }
  }
  return passed;
}

interface Told {
  readonly begins?: string;
  readonly bytes?: number;
  readonly tail?: string;
}
