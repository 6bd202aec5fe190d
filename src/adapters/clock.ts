import { setTimeout as sleepFor } from 'node:timers/promises';

/** Time, which can be told and waited for; tests bring one they move by hand. */
export interface Clock {
  now(): Date;
  /** Milliseconds that only ever grow, for measuring; unrelated to the date. */
  monotonicMs(): number;
  /** Resolves after `ms`, or as soon as `stop` is aborted; never rejects. */
  sleep(ms: number, stop?: AbortSignal): Promise<void>;
}

/** A timer of Node holds 31 bits: a longer one fires at once. */
const longestTimerMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  sleep: async (ms, stop) => {
    const now = Math.min(ms, longestTimerMs);
    await sleepFor(now, undefined, stop ? { signal: stop } : {}).catch(() => undefined);
    if (now < ms && !stop?.aborted) await systemClock.sleep(ms - now, stop);
  },
};
