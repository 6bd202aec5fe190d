import type { Streamed } from '../octets.ts';

/** What became of an append. `full` and `failed` promise that the record will not be shipped. */
export type Appended =
  | { readonly kind: 'stored' }
  | { readonly kind: 'full'; readonly why: string }
  | { readonly kind: 'failed'; readonly why: string };

/** One record that waits to be written, in parts that need no copy. */
export interface Entry {
  readonly payload: readonly Uint8Array[];
  /** What follows the payload of one that is too large for memory; it is read twice. */
  readonly rest?: Streamed['rest'];
  /** Of all of it. */
  readonly bytes: number;
}

export interface Groups {
  /** Resolves with the end of the group that the entry went with. */
  add(entry: Entry): Promise<Appended>;
  waitingBytes(): number;
  /** Runs a task that never rejects while nothing is being committed. */
  exclusive(task: () => Promise<void>): Promise<void>;
  /** Resolves when nothing waits. */
  idle(): Promise<void>;
}

interface Waiting {
  readonly entry: Entry;
  readonly resolve: (result: Appended) => void;
}

/**
 * Commits entries in groups: whatever came while the last group was being committed makes up the next, up to `largestBytes`. A group
 * starts at the end of the event loop's turn, so that all sockets that were ready in it share one write and one sync.
 */
export function openGroups(
  commit: (group: readonly Entry[]) => Promise<Appended>,
  largestBytes: number,
): Groups {
  let waiting: Waiting[] = [];
  let bytes = 0;
  const work: { running?: Promise<void> } = {};

  const run = async (): Promise<void> => {
    await endOfTurn();
    while (waiting.length > 0) {
      const going = waiting.slice(0, groupSize(waiting, largestBytes));
      waiting = waiting.slice(going.length);
      const group = going.map(({ entry }) => entry);
      const result = await commit(group);
      bytes -= group.reduce((sum, entry) => sum + entry.bytes, 0);
      for (const { resolve } of going) resolve(result);
    }
    delete work.running;
  };

  return {
    add: (entry) =>
      new Promise((resolve) => {
        waiting.push({ entry, resolve });
        bytes += entry.bytes;
        work.running ??= run();
      }),
    waitingBytes: () => bytes,
    exclusive: async (task) => {
      while (work.running) await work.running;
      work.running = task().then(run);
      await work.running;
    },
    idle: async () => {
      while (work.running) await work.running;
    },
  };
}

function endOfTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function groupSize(waiting: readonly Waiting[], largestBytes: number): number {
  let bytes = 0;
  const beyond = waiting.findIndex(({ entry }) => {
    bytes += entry.bytes;
    return bytes > largestBytes;
  });
  return beyond < 0 ? waiting.length : Math.max(1, beyond);
}
