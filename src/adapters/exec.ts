import type { Options } from 'execa';

import { OperatorError } from '../domain/failure.ts';

/** A program and its arguments; there is no shell in between. */
export type Argv = readonly [program: string, ...rest: string[]];

export interface ExecOptions {
  readonly timeoutMs: number;
  /** Added to the environment of this process, or all there is with `cleanEnvironment`. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly cleanEnvironment?: boolean;
  readonly folder?: string;
  /** Written to its standard input, which is empty otherwise. */
  readonly input?: string | Uint8Array;
  /** Ends the program with SIGTERM, and with SIGKILL when that does not help. */
  readonly stop?: AbortSignal;
}

/** How a program ended, whatever its exit code; `exit` is undefined when a signal ended it. */
export interface Finished {
  readonly exit: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. Fails as `unreachable` when it cannot be started and `timed-out` when it takes too long. */
export async function exec([program, ...rest]: Argv, options: ExecOptions): Promise<Finished> {
  const { execa } = await import('execa');
  const result = await execa(program, rest, execaOptions(options));
  if (result.timedOut) throw tooSlow(program, options.timeoutMs);
  if (result.code && !result.isCanceled && result.exitCode === undefined)
    throw notStarted(program, result.cause);
  return { exit: result.exitCode, stdout: result.stdout, stderr: result.stderr };
}

function execaOptions(options: ExecOptions) {
  return {
    reject: false,
    timeout: options.timeoutMs,
    extendEnv: options.cleanEnvironment !== true,
    ...(options.input === undefined ? { stdin: 'ignore' } : { input: options.input }),
    ...(options.environment && { env: options.environment }),
    ...(options.folder && { cwd: options.folder }),
    ...(options.stop && { cancelSignal: options.stop }),
  } as const satisfies Options;
}

function notStarted(program: string, cause: unknown): OperatorError {
  return new OperatorError('unreachable', `${program} cannot be run`, {
    hint: `Check that ${program} is installed and in PATH`,
    cause,
  });
}

function tooSlow(program: string, timeoutMs: number): OperatorError {
  return new OperatorError('timed-out', `${program} did not finish within ${timeoutMs} ms`, {
    hint: `Run it by hand to see what it waits for, then try again`,
  });
}
