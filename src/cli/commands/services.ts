import type { Command } from 'commander';

import { type Context, type Define, runs } from '../command.ts';

/** A service runs until SIGTERM, logs JSON lines on stdout, and then ends with 0. */
function defineService(main: (context: Context) => Promise<void>): Define {
  return (command: Command, session) => {
    command.action(runs(session, main));
  };
}

export const defineRelay = defineService(async ({ runtime, stop }) => {
  const { main } = await import('../../services/relay/main.ts');
  await main(await runtime.live('relay'), stop);
});

export const defineApi = defineService(async ({ runtime, stop }) => {
  const { main } = await import('../../services/api/main.ts');
  await main(await runtime.live('api'), stop);
});

export const defineWorker = defineService(async ({ runtime, stop }) => {
  const { main } = await import('../../services/worker/main.ts');
  await main(await runtime.live('worker'), stop);
});

export const defineScheduler = defineService(async ({ runtime, stop }) => {
  const { main } = await import('../../services/scheduler/main.ts');
  // Its commands read what an operator's command reads: what is missing is said now, not at night.
  await runtime.config('operator');
  await main(await runtime.config('scheduler'), runtime.dir, stop);
});

export const defineSink = defineService(async ({ runtime, stop }) => {
  const { main } = await import('../../services/sink/main.ts');
  await main(await runtime.config('sink'), stop);
});
