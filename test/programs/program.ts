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
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  const line = await Promise.race([
    once(createInterface(child.stdout), 'line').then(([first]: unknown[]) => String(first)),
    ended.then((end) => Promise.reject(new Error(`${name} ended with ${end}: ${complaint}`))),
  ]);
  return {
    pid: child.pid ?? 0,
    said: JSON.parse(line),
    ended,
    kill: (signal) => child.kill(signal),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
