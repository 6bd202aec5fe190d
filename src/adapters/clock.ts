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
    await sleepFor(now, stop);
    if (now < ms && !stop?.aborted) await systemClock.sleep(ms - now, stop);
  },
};

/** The one of `node:timers/promises` makes an error with its stack of each sleep that is ended early, as most of ours are. */
function sleepFor(ms: number, stop?: AbortSignal): Promise<void> {
  if (stop?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const wake = (): void => {
      clearTimeout(timer);
      stop?.removeEventListener('abort', wake);
      resolve();
    };
    const timer = setTimeout(wake, ms);
    stop?.addEventListener('abort', wake);
  });
}
