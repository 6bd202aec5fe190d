import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { z } from 'zod';

import type { Load, Measured } from './load.ts';

const programs = new URL('../../programs/', import.meta.url);
const measured = z.object({
  accepted: z.number(),
  refused: z.array(z.string()),
  perSecond: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
  cpuSeconds: z.number(),
});

/** The client in a process of its own, so that its CPU time is known and its garbage is nobody else's. */
export interface LoadClient extends AsyncDisposable {
  run(load: Load): Promise<Measured>;
}

/** Starts the client; it is warm from one load to the next. */
export async function startLoadClient(): Promise<LoadClient> {
  const child = fork(fileURLToPath(new URL('smtp-load.ts', programs)), {
    execArgv: ['--import', fileURLToPath(new URL('typescript.mjs', programs))],
  });
  const ended = once(child, 'exit');
  return {
    run: (load) => ask(child, ended, load),
    [Symbol.asyncDispose]: async () => {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}

async function ask(child: ChildProcess, ended: Promise<unknown>, load: Load): Promise<Measured> {
  const answer = once(child, 'message');
  child.send(load);
  const died = ended.then(() => Promise.reject(new Error('the load client died')));
  const [first]: unknown[] = await Promise.race([answer, died]);
  return measured.parse(first);
}
