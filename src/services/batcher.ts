import type { Clock } from '../adapters/clock.ts';

/** Gathers single items into batches. */
export interface Batcher<I, O> {
  /** Resolves with what the batch said of this item; rejects when the whole batch failed. A hurried item waits for no pause between batches. */
  add(item: I, pace?: 'hurried'): Promise<O>;
  /** Resolves when nothing waits or is under way. */
  drained(): Promise<void>;
}

export interface BatchLimits {
  readonly maxItems: number;
  readonly inFlight: number;
  /** Shortest time between the beginnings of two batches. */
  readonly everyMs: number;
}

interface Waiting<I, O> {
  readonly item: I;
  readonly resolve: (outcome: O) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Runs items in batches: an item after a pause is run at once, and what comes within `everyMs` of the last beginning, or while
 * `inFlight` batches are under way, is gathered for the next. `run` answers in the order of its items.
 */
export function openBatcher<I, O>(
  run: (items: readonly I[]) => Promise<readonly O[]>,
  { maxItems, inFlight, everyMs }: BatchLimits,
  { sleep }: Pick<Clock, 'sleep'>,
): Batcher<I, O> {
  const waiting: Waiting<I, O>[] = [];
  const running = new Set<Promise<void>>();
  let pause: Promise<void> | undefined;
  let isHurried = false;

  function startNext(): void {
    if (waiting.length === 0 || running.size >= inFlight || (pause && !isHurried)) return;
    isHurried = false;
    const turn = settle(waiting.splice(0, maxItems), run).finally(() => {
      running.delete(turn);
      startNext();
    });
    running.add(turn);
    pause ??= rest();
  }

  async function rest(): Promise<void> {
    await sleep(everyMs);
    pause = undefined;
    startNext();
  }

  return {
    add: (item, pace) =>
      new Promise<O>((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        isHurried ||= pace === 'hurried';
        startNext();
      }),
    drained: async () => {
      while (running.size > 0 || waiting.length > 0) await Promise.all(running.size > 0 ? running : [pause]);
    },
  };
}

async function settle<I, O>(
  batch: readonly Waiting<I, O>[],
  run: (items: readonly I[]) => Promise<readonly O[]>,
): Promise<void> {
  try {
    const outcomes = await run(batch.map(({ item }) => item));
    batch.forEach(({ resolve, reject }, place) => {
      const outcome = outcomes[place];
      if (outcome === undefined) reject(new Error('the batch gave no outcome for this item'));
      else resolve(outcome);
    });
  } catch (error) {
    batch.forEach(({ reject }) => reject(error));
  }
}
