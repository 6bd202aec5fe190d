import { setTimeout as sleepFor } from 'node:timers/promises';

/** Time, which can be told and waited for; tests bring one they move by hand. */
export interface Clock {
  now(): Date;
  /** Milliseconds that only ever grow, for measuring; unrelated to the date. */
  monotonicMs(): number;
  /** Resolves after `ms`, or as soon as `stop` is aborted; never rejects. */
  sleep(ms: number, stop?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  sleep: async (ms, stop) => {
    await sleepFor(ms, undefined, stop ? { signal: stop } : {}).catch(() => undefined);
  },
};
