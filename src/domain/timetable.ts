/** One row of the timetable: what runs, and what for. When it runs is the variable of its name. */
export interface TimetableRow {
  readonly means: string;
  /** What stands after `mailctl`. */
  readonly command: readonly string[];
}

/** What runs by itself. A row is here only when its command is there. */
export const timetable = {
  backup: { means: 'takes a set of both databases', command: ['backup', 'run'] },
  'backup-copy': {
    means: 'copies sets to every place where they are not yet; off while no place is configured',
    command: ['backup', 'copy', '--missing'],
  },
  'backup-verify': {
    means: 'proves the newest set by restoring it beside what runs',
    command: ['backup', 'verify', '--restore'],
  },
  'backup-prune': { means: 'removes sets that need not be kept', command: ['backup', 'prune'] },
  'keys-rotate': {
    means: 'goes on with key rotations whose time has come',
    command: ['keys', 'rotate', '--continue'],
  },
  'keys-notice': {
    means: 'warns of keys that end soon, by its exit code and in metrics',
    command: ['keys', 'list', '--publish'],
  },
  'postal-rescue': {
    means: 'frees mail and webhooks that a dead worker of Postal locked',
    command: ['postal', 'rescue'],
  },
  'postal-retention': {
    means: 'warns of queued mail whose body Postal drops soon, by its exit code and in metrics',
    command: ['postal', 'retention', '--publish'],
  },
  'postal-reconcile': {
    means: 'stores what no webhook of Postal told',
    command: ['postal', 'reconcile'],
  },
  e2e: { means: 'proves end to end that mail flows', command: ['e2e'] },
} as const satisfies Record<string, TimetableRow>;

export type RowName = keyof typeof timetable;

export const rowNames = Object.keys(timetable) as RowName[];

/** How a run ended. `locked` met another run of mailctl to its end; `interrupted` is made up for. */
export type RunOutcome = 'done' | 'warned' | 'failed' | 'timed-out' | 'locked' | 'interrupted';

/** One run of a row, as it is written down; times are ISO 8601. */
export interface ScheduledRun {
  readonly due: string;
  readonly started_at: string;
  /** Null while it runs, and for ever when the scheduler died with it. */
  readonly ended_at: string | null;
  readonly outcome: RunOutcome | null;
  readonly exit: number | null;
  readonly seconds: number | null;
  /** The end of what it said on stderr. */
  readonly said: string;
}

/** What an exit code of ours means for a run. */
export function outcomeOf(exit: number | undefined): RunOutcome {
  if (exit === undefined || exit === 130 || exit === 143) return 'interrupted';
  if (exit === 0) return 'done';
  if (exit === 3) return 'warned';
  return exit === 11 ? 'locked' : 'failed';
}

/** Up to when a row has been seen to: a run that was cut off is still owed. Undefined where it never ran. */
export function seenTo(runs: readonly ScheduledRun[]): Date | undefined {
  const last = runs.find(({ outcome }) => outcome !== null && outcome !== 'interrupted');
  if (last) return new Date(last.due);
  const [cut] = runs;
  return cut && new Date(new Date(cut.due).getTime() - 1);
}
