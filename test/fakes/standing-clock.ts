import type { Clock } from '../../src/adapters/clock.ts';

export interface StandingClock extends Clock {
  /** Lets time pass, and wakes whoever slept until then. */
  advance(ms: number): void;
}

/** A clock that stands still until a test moves it; who sleeps waits for that, or for its stop. */
export function standingClock(start = new Date('2026-03-01T12:00:00Z')): StandingClock {
  let elapsedMs = 0;
  const sleepers = new Map<() => void, number>();
  return {
    now: () => new Date(start.getTime() + elapsedMs),
    monotonicMs: () => elapsedMs,
    sleep: (ms, stop) =>
      new Promise((resolve) => {
        const wake = () => {
          sleepers.delete(wake);
          resolve();
        };
        if (ms <= 0 || stop?.aborted) return resolve();
        sleepers.set(wake, elapsedMs + ms);
        stop?.addEventListener('abort', wake, { once: true });
      }),
    advance: (ms) => {
      elapsedMs += ms;
      for (const [wake, untilMs] of sleepers) if (untilMs <= elapsedMs) wake();
    },
  };
}
