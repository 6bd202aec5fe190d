import type { Clock } from '../adapters/clock.ts';

/** Seconds since the epoch to the microsecond; no two are alike and they only grow, whatever the clock does. */
export type Stamp = () => number;

/** Stamps that follow a clock. */
export function openStamps(clock: Pick<Clock, 'now'>): Stamp {
  let last = 0;
  return () => {
    last = Math.max(last + 1, clock.now().getTime() * 1000);
    return last / 1e6;
  };
}
