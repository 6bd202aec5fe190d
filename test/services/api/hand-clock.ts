import type { Clock } from '../../../src/adapters/clock.ts';

export interface HandClock extends Clock {
  /** Lets time pass at once. */
  pass(ms: number): void;
}

/** A clock that stands still until a test moves it; sleeping takes no time. */
export function handClock(start = new Date('2026-03-01T12:00:00Z')): HandClock {
  let elapsedMs = 0;
  return {
    now: () => new Date(start.getTime() + elapsedMs),
    monotonicMs: () => elapsedMs,
    sleep: async (ms) => {
      elapsedMs += ms;
    },
    pass: (ms) => {
      elapsedMs += ms;
    },
  };
}
