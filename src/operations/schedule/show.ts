import { nextAfter } from '../../domain/cron.ts';
import { type RowName, rowNames, type ScheduledRun, timetable } from '../../domain/timetable.ts';
import type { Runtime } from '../../runtime.ts';
import { readRuns } from '../../upkeep/run-book.ts';
import { timesOf } from '../../upkeep/timetable.ts';

type Look = Pick<Runtime, 'dir' | 'files' | 'clock' | 'config'>;

/** A row of the timetable as it stands. Times are ISO 8601. */
export interface ShownRow {
  readonly name: RowName;
  readonly means: string;
  /** Cron expression in UTC, or `off`. */
  readonly when: string;
  readonly command: string;
  readonly last: ShownRun | null;
  /** Null for a row that is off. */
  readonly next: string | null;
}

/** A run with the row it belongs to. */
export interface ShownRun extends ScheduledRun {
  readonly name: RowName;
}

/** The timetable: each row with its last run and when it is due next. */
export async function showTimetable(world: Look): Promise<{ readonly rows: readonly ShownRow[] }> {
  const times = timesOf(await world.config('operator'));
  const rows = rowNames.map(async (name): Promise<ShownRow> => {
    const schedule = times[name];
    const [last] = await readRuns(world, name);
    const next = schedule && nextAfter(schedule.cron, world.clock.now()).toISOString();
    return {
      name,
      means: timetable[name].means,
      when: schedule?.text ?? 'off',
      command: ['mailctl', ...timetable[name].command].join(' '),
      last: last ? { name, ...last } : null,
      next: next ?? null,
    };
  });
  return { rows: await Promise.all(rows) };
}

/** Runs of one row or of all, newest first. */
export async function showRuns(
  world: Look,
  { row, limit }: { readonly row: RowName | undefined; readonly limit: number },
): Promise<{ readonly runs: readonly ShownRun[] }> {
  const names = row === undefined ? rowNames : [row];
  const books = names.map(async (name) => (await readRuns(world, name)).map((run) => ({ name, ...run })));
  const runs = (await Promise.all(books)).flat();
  return { runs: runs.toSorted(newestFirst).slice(0, limit) };
}

function newestFirst(one: ShownRun, other: ShownRun): number {
  return other.started_at.localeCompare(one.started_at);
}
