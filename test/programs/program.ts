import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const folder = import.meta.dirname;

/** A Node process of its own that runs one of the programs beside this file from source. */
export interface Program extends AsyncDisposable {
  readonly pid: number;
  /** The first line it wrote, parsed. */
  readonly said: unknown;
  /** What it complained of so far: lines of its log that warn or tell of an error, and all that it wrote to stderr. */
  complaints(): readonly string[];
  /** Resolves with exit code or signal. */
  readonly ended: Promise<number | string>;
  kill(signal: NodeJS.Signals): void;
}

interface Start {
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** A program that starts it, with its own arguments. */
  readonly through?: readonly string[];
}

/** Starts `name` and waits for its first line; disposing kills it with SIGKILL when it still runs. */
export async function startProgram(
  name: string,
  { args = [], environment = {}, through = [] }: Start = {},
): Promise<Program> {
  const [file = '', ...rest] = [
    ...through,
    process.execPath,
    '--import',
    join(folder, 'typescript.mjs'),
    join(folder, name),
    ...args,
  ];
  const child = spawn(file, rest, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close').then(([code, signal]: unknown[]) => (code ?? signal) as number | string);
  const complaints: string[] = [];
  createInterface(child.stderr).on('line', (line) => complaints.push(line));
  const output = createInterface(child.stdout);
  const line = await Promise.race([
    once(output, 'line').then(([first]: unknown[]) => String(first)),
    ended.then((end) => Promise.reject(new Error(`${name} ended with ${end}: ${complaints.join('\n')}`))),
  ]);
  output.on('line', (text) => {
    if (/"level":"(warn|error)"/.test(text)) complaints.push(text);
  });
  return {
    pid: child.pid ?? 0,
    said: JSON.parse(line),
    complaints: () => complaints,
    ended,
    kill: (signal) => child.kill(signal),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
