/** A row of Postal's queues that a worker has taken for itself. */
export interface LockedRow {
  /** As Postal writes it: `host:NAME pid:N thread:N`. */
  readonly lockedBy: string;
  readonly lockedAt: Date;
  /** What became of it after it was locked, as Postal wrote it down: the status of a delivery; undefined where nothing is known. */
  readonly end: string | undefined;
}

/** Since when the workers that run have been running. What was locked before is nobody's. */
export type RunningWorkers =
  /** All of them are known; none, and every lock is left over. */
  | { readonly known: 'all'; readonly since: readonly Date[] }
  /** Only of these hosts is it known; what another one locked is left alone. */
  | { readonly known: 'hosts'; readonly since: ReadonlyMap<string, Date> };

/** `release`: to be tried again. `settle`: it has its end already, and only its row was left over. `leave`: somebody may be at it. */
export type RescueVerdict = 'release' | 'settle' | 'leave';

/** After these Postal takes a message out of its queue; any other one it tries again. */
const ends: ReadonlySet<string> = new Set([
  'Sent',
  'HardFail',
  'Held',
  'HoldCancelled',
  'Bounced',
  'Processed',
]);

/** Decides about one locked row, on the clock of whoever locks. A lock of the future is no worker's: a restore keeps the queue with it. */
export function verdictOn(row: LockedRow, workers: RunningWorkers, now: Date): RescueVerdict {
  if (row.lockedAt >= now || !wasLockedBefore(row, workers)) return 'leave';
  return row.end !== undefined && ends.has(row.end) ? 'settle' : 'release';
}

function wasLockedBefore({ lockedBy, lockedAt }: LockedRow, workers: RunningWorkers): boolean {
  if (workers.known === 'all') return workers.since.every((began) => lockedAt < wholeSecond(began));
  const began = workers.since.get(lockerHost(lockedBy));
  return began !== undefined && lockedAt < wholeSecond(began);
}

/** Postal keeps the locks of webhooks in whole seconds: a lock of the second in which a worker began may be its own. */
function wholeSecond(at: Date): Date {
  return new Date(Math.floor(at.getTime() / 1000) * 1000);
}

/** The host that a locker's name begins with; empty where it names none. */
export function lockerHost(lockedBy: string): string {
  return /^host:(\S+)/.exec(lockedBy)?.[1] ?? '';
}
