import type { Clock } from '../adapters/clock.ts';
import type { Log } from '../adapters/log.ts';

/** A queue worked off by a few workers at once, in order of arrival. */
export interface Threads<T> {
  add(item: T): void;
  addLater(item: T, afterMs: number): void;
  /** How many of those that wait, also for their time, are such. */
  count(holds: (item: T) => boolean): number;
  /** Forgets what waits. */
  clear(): void;
  /** Resolves when nothing is in work; what waits for its time does not count. */
  idle(): Promise<void>;
}

interface ThreadWorld {
  readonly clock: Clock;
  readonly log: Log;
  readonly stop: AbortSignal;
}

/** `work` may fail: that is logged, and the item is given up, as Postal does with an exception. */
export function startThreads<T>(
  count: number,
  work: (item: T) => Promise<void>,
  world: ThreadWorld,
): Threads<T> {
  const here = new Set<T>();
  const workOff = async (item: T) => {
    here.delete(item);
    await workSafely(work, item, world.log);
  };
  const line = openLine(count, workOff, world.stop);
  let generation = 0;
  const add = (item: T) => {
    here.add(item);
    line.add(item);
  };
  return {
    add,
    addLater: (item, afterMs) => {
      const born = generation;
      here.add(item);
      void addAfter(world, afterMs, () => {
        if (born === generation) line.add(item);
      });
    },
    count: (holds) => [...here].filter(holds).length,
    clear: () => {
      generation += 1;
      here.clear();
      line.waiting.length = 0;
    },
    idle: async () => {
      while (line.running.size > 0) await Promise.all(line.running);
    },
  };
}

function openLine<T>(count: number, work: (item: T) => Promise<void>, stop: AbortSignal) {
  const waiting: T[] = [];
  const running = new Set<Promise<void>>();
  const take = async (items: T[]) => {
    for (const item of items) await work(item);
  };
  const pump = () => {
    while (running.size < count && waiting.length > 0 && !stop.aborted) {
      const job = take(waiting.splice(0, 1)).finally(() => {
        running.delete(job);
        pump();
      });
      running.add(job);
    }
  };
  const add = (item: T) => {
    waiting.push(item);
    pump();
  };
  return { waiting, running, add };
}

async function workSafely<T>(work: (item: T) => Promise<void>, item: T, log: Log): Promise<void> {
  try {
    await work(item);
  } catch (error) {
    log.error('a job of the Postal stand-in failed', { error });
  }
}

async function addAfter({ clock, stop }: ThreadWorld, afterMs: number, add: () => void): Promise<void> {
  await clock.sleep(afterMs, stop);
  if (!stop.aborted) add();
}
