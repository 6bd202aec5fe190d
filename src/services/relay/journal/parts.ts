import type { Groups } from './group-commit.ts';
import type { Progress } from './progress.ts';
import type { JournalState } from './state.ts';

/** What an open journal is made of. */
export interface JournalParts {
  readonly state: JournalState;
  readonly progress: Progress;
  readonly groups: Groups;
  /** Runs one after the other what uses the file that is read. */
  readonly inTurn: <T>(read: () => Promise<T>) => Promise<T>;
  readonly listeners: Set<() => void>;
}

/** Makes an `inTurn`. */
export function openTurns(): JournalParts['inTurn'] {
  let last: Promise<unknown> = Promise.resolve();
  return (read) => {
    const next = last.then(read, read);
    last = next.catch(() => undefined);
    return next;
  };
}
