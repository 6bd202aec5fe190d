import type { Clock } from '../adapters/clock.ts';

/** Places for pieces of work that are under way at the same time. */
export interface Slots {
  /** How many pieces of work may be started now. */
  free(): number;
  /** Runs `work` in a place of its own, which it may leave before it ends; `alive` tells that a long piece makes progress. */
  start(work: (leave: Leave, alive: () => void) => Promise<void>): void;
  /** Resolves when a place has become free since it was last asked, or after `ms`. */
  freed(ms: number): Promise<void>;
  /** Resolves when no work is under way; places that merely stay taken are not waited for. */
  drained(): Promise<void>;
  /** When the work under way that shows no progress for longest began, or showed some, in `monotonicMs`. */
  oldestMs(): number | undefined;
}

/** Gives a place back, though for `keepMs` milliseconds it stays taken. Only the first call counts. */
export type Leave = (keepMs?: number) => void;

/**
 * Opens `count` places; three times as many pieces of work again may be under way that have left theirs. Work must not throw; one that does is told
 * to `failed`, and its place is free.
 */
export function openSlots(count: number, clock: Clock, failed: (error: unknown) => void): Slots {
  const under = new Map<Promise<void>, { aliveMs: number }>();
  const ended = new AbortController();
  const bell = openBell(clock);
  const places = openPlaces(clock, ended.signal, bell.ring);
  const occupy = async (work: Parameters<Slots['start']>[0], alive: () => void): Promise<void> => {
    const leave = places.take();
    await work(leave, alive).catch(failed);
    leave();
  };
  return {
    free: () => Math.min(count - places.taken(), 4 * count - under.size),
    start: (work) => {
      const progress = { aliveMs: clock.monotonicMs() };
      const alive = (): void => {
        progress.aliveMs = clock.monotonicMs();
      };
      const running = occupy(work, alive).finally(() => {
        under.delete(running);
        bell.ring();
      });
      under.set(running, progress);
    },
    freed: bell.heard,
    drained: async () => {
      while (under.size > 0) await Promise.all(under.keys());
      ended.abort();
    },
    oldestMs: () =>
      under.size === 0 ? undefined : Math.min(...[...under.values()].map(({ aliveMs }) => aliveMs)),
  };
}

/** Counts places; those that are still to be kept when `stop` is aborted are given back then. */
function openPlaces(clock: Clock, stop: AbortSignal, freed: () => void) {
  let taken = 0;
  const release = (): void => {
    taken -= 1;
    freed();
  };
  return {
    taken: () => taken,
    take: (): Leave => {
      let left = false;
      taken += 1;
      return (keepMs = 0) => {
        if (left) return;
        left = true;
        if (keepMs <= 0) release();
        else void clock.sleep(keepMs, stop).then(release);
      };
    },
  };
}

/** A bell that is heard once, also by who listens only after it rang. */
function openBell(clock: Clock) {
  let hasRung = false;
  let listener = new AbortController();
  return {
    ring: (): void => {
      hasRung = true;
      listener.abort();
    },
    heard: async (ms: number): Promise<void> => {
      listener = new AbortController();
      if (!hasRung) await clock.sleep(ms, listener.signal);
      hasRung = false;
    },
  };
}
