/** Gathers single items into batches. */
export interface Batcher<I, O> {
  /** Resolves with what the batch said of this item; rejects when the whole batch failed. */
  add(item: I): Promise<O>;
  /** Resolves when nothing waits or is under way. */
  drained(): Promise<void>;
}

interface Waiting<I, O> {
  readonly item: I;
  readonly resolve: (outcome: O) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Runs items in batches without a timer: the next batch is whatever queued while `inFlight` others were under way, so a lone item
 * never waits and a flood fills the batches. `run` answers in the order of its items.
 */
export function openBatcher<I, O>(
  run: (items: readonly I[]) => Promise<readonly O[]>,
  { maxItems, inFlight }: { readonly maxItems: number; readonly inFlight: number },
): Batcher<I, O> {
  const waiting: Waiting<I, O>[] = [];
  const running = new Set<Promise<void>>();

  function startNext(): void {
    if (waiting.length === 0 || running.size >= inFlight) return;
    const turn = settle(waiting.splice(0, maxItems), run).finally(() => {
      running.delete(turn);
      startNext();
    });
    running.add(turn);
  }

  return {
    add: (item) =>
      new Promise<O>((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        startNext();
      }),
    drained: async () => {
      while (running.size > 0) await Promise.all(running);
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
