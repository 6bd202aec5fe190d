import type { Clock } from '../adapters/clock.ts';

/** Places for pieces of work that are under way at the same time. */
export interface Slots {
  free(): number;
  /** Runs `work` in a place of its own. What it answers is how long, in milliseconds, the place stays taken afterwards. */
  start(work: () => Promise<number>): void;
  /** Resolves when a place has become free since it was last asked, or after `ms`. */
  freed(ms: number): Promise<void>;
  /** Resolves when no work is under way; places that merely stay taken are not waited for. */
  drained(): Promise<void>;
  /** When the oldest work under way began, in `monotonicMs`. */
  oldestMs(): number | undefined;
}

/** Opens `count` places. Work must not throw; one that does is told to `failed`, and its place is free. */
export function openSlots(count: number, clock: Clock, failed: (error: unknown) => void): Slots {
  const under = new Map<Promise<void>, number>();
  const ended = new AbortController();
  const bell = openBell(clock);
  let taken = 0;
  const release = (): void => {
    taken -= 1;
    bell.ring();
  };
  const occupy = async (work: () => Promise<number>): Promise<void> => {
    const keepMs = await work().catch((error: unknown) => {
      failed(error);
      return 0;
    });
    if (keepMs <= 0) release();
    else void clock.sleep(keepMs, ended.signal).then(release);
  };
  return {
    free: () => count - taken,
    start: (work) => {
      taken += 1;
      const running = occupy(work).then(() => void under.delete(running));
      under.set(running, clock.monotonicMs());
    },
    freed: bell.heard,
    drained: async () => {
      while (under.size > 0) await Promise.all(under.keys());
      ended.abort();
    },
    oldestMs: () => under.values().next().value,
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
