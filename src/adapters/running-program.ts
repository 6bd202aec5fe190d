import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { PassThrough, type Readable, type Writable } from 'node:stream';

import { OperatorError } from '../domain/failure.ts';
import type { Argv } from './exec.ts';

/** How a program ended; `complaint` is the end of what it wrote to stderr. */
export interface ProgramEnd {
  readonly exit: number | null;
  readonly signal: string | null;
  readonly complaint: string;
}

/** A program that runs, with its streams. */
export interface RunningProgram {
  readonly name: string;
  readonly input: Writable;
  readonly output: Readable;
  /** Never rejects for what the program does; rejects `unreachable` when it cannot be started. */
  readonly ended: Promise<ProgramEnd>;
  /** Ends the program and what it started. */
  kill(): void;
}

/** The last octets of stderr that are kept. */
const mostComplaint = 4096;

/** A program that was started with streams of its starter's choice; its stdin is a pipe to us. */
export interface Begun extends Omit<RunningProgram, 'output'> {
  readonly child: ChildProcess;
}

/** Starts a program with these streams; stdin and stderr must be pipes. It leads a process group of its own, so that what it started ends with it. */
export function begin([program, ...rest]: Argv, stdio: StdioOptions, endsWithinMs: number): Begun {
  const child = spawn(program, rest, { detached: true, stdio, env: { ...process.env, LC_ALL: 'C' } });
  let complaint = '';
  (child.stderr as Readable).setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-mostComplaint);
  });
  const input = child.stdin as Writable;
  input.on('error', () => undefined);
  const ended = new Promise<ProgramEnd>((resolve, reject) => {
    child.once('error', (cause) => reject(notStarted(program, cause)));
    child.once('close', (exit, signal) => resolve({ exit, signal, complaint: complaint.trim() }));
  });
  ended.catch(() => undefined);
  return { child, name: nameOf([program, ...rest]), input, ended, kill: () => endGroup(child, endsWithinMs) };
}

/** A shell that runs a script has the name that it was given for it. */
function nameOf([program, flag, , name]: readonly string[]): string {
  return program === 'sh' && flag === '-c' && name !== undefined ? name : (program ?? '');
}

/** Node throws away what nobody reads yet when a program ends: a short one would seem to have printed nothing. */
export function kept(printed: Readable): Readable {
  const output = new PassThrough();
  printed.once('error', (cause) => output.destroy(cause));
  return printed.pipe(output);
}

/** Who was asked to end and has not after so long, is killed: pg_dump first asks its server, which may be frozen. */
function endGroup(child: ChildProcess, withinMs: number): void {
  signalGroup(child.pid, 'SIGTERM');
  const late = setTimeout(() => signalGroup(child.pid, 'SIGKILL'), withinMs).unref();
  child.once('close', () => clearTimeout(late));
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ESRCH')) throw cause;
  }
}

function notStarted(program: string, cause: unknown): OperatorError {
  return new OperatorError('unreachable', `${program} cannot be run`, {
    hint: `Check that ${program} is installed and in PATH`,
    cause,
  });
}
