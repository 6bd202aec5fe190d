import { type Clock, systemClock } from '../../src/adapters/clock.ts';

export interface QuickClock extends Clock {
  /** Every wait that was asked for, in milliseconds. */
  readonly waits: number[];
}

/** A clock on which waiting takes no time: it notes each wait and moves on by it. */
export function quickClock(start = new Date('2026-11-23T08:00:00Z')): QuickClock {
  const waits: number[] = [];
  let passed = 0;
  return {
    waits,
    now: () => new Date(start.getTime() + passed),
    monotonicMs: () => passed,
    sleep: async (ms, stop) => {
      waits.push(ms);
      passed += ms;
      await systemClock.sleep(0, stop);
    },
  };
}

/** A clock on which nothing that is waited for ever comes, until the wait is given up. */
export function frozenClock(): Clock {
  return {
    ...systemClock,
    sleep: (_, stop) => new Promise((resolve) => stop?.addEventListener('abort', () => resolve())),
  };
}
