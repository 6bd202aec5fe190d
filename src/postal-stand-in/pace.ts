import type { Clock } from '../adapters/clock.ts';
import type { Pace } from './options.ts';

/** Lets through what it is asked for no faster than the pace; no burst is saved up. */
export interface Pacer {
  accept(): Promise<void>;
  deliver(): Promise<void>;
  change(pace: Partial<Pace>): void;
  current(): Pace;
}

/** A pace in recipients a second; the waits end when `stop` is aborted. */
export function openPacer(clock: Clock, pace: Pace, stop: AbortSignal): Pacer {
  let current = pace;
  const next = { accept: 0, deliver: 0 };
  const wait = async (line: 'accept' | 'deliver', perSecond: number) => {
    if (perSecond <= 0) return;
    const now = clock.monotonicMs();
    const turn = Math.max(now, next[line]);
    next[line] = turn + 1000 / perSecond;
    if (turn > now) await clock.sleep(turn - now, stop);
  };
  return {
    accept: () => wait('accept', current.acceptPerSecond),
    deliver: () => wait('deliver', current.deliverPerSecond),
    change: (change) => {
      current = { ...current, ...change };
    },
    current: () => current,
  };
}
