import type { Clock } from '../../adapters/clock.ts';
import type { Probe } from '../health.ts';

/** Whether what is due goes out: the queue as it was last looked at, and when this worker last ended a hand-over. */
export interface DueWatch {
  /** The queue was looked at. `mayGo` tells that neither an operator nor Postal stands in the way. */
  saw(oldestSeconds: number, mayGo: boolean): void;
  /** A hand-over ended, however. */
  handedOver(): void;
  readonly probe: Probe;
}

/**
 * Watches for messages that are due and that nobody takes, though the loops turn: such as those that a forgotten transaction holds.
 * A long queue is none of that, and neither is one that is paused or that Postal holds up.
 */
export function openDueWatch(stallMs: number, clock: Pick<Clock, 'monotonicMs'>): DueWatch {
  let lyingSinceMs: number | undefined;
  let oldest = 0;
  return {
    saw: (oldestSeconds, mayGo) => {
      oldest = oldestSeconds;
      const isLate = mayGo && oldestSeconds * 1000 > stallMs;
      lyingSinceMs = isLate ? (lyingSinceMs ?? clock.monotonicMs()) : undefined;
    },
    handedOver: () => {
      if (lyingSinceMs !== undefined) lyingSinceMs = clock.monotonicMs();
    },
    probe: async () => {
      if (lyingSinceMs === undefined || clock.monotonicMs() - lyingSinceMs <= stallMs) return { ok: true };
      const why = `a message has been due for ${Math.round(oldest)} s and none is taken: is a transaction left open in PostgreSQL?`;
      return { ok: false, why };
    },
  };
}
