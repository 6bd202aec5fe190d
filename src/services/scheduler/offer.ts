import { lastUpTo } from '../../domain/cron.ts';
import { OperatorError } from '../../domain/failure.ts';
import { jitterMs } from '../../domain/jitter.ts';
import { seenTo } from '../../domain/timetable.ts';
import { readRuns } from '../../upkeep/run-book.ts';
import { runRow, type RunWorld } from '../../upkeep/scheduled-run.ts';
import type { ActiveRow, SchedulerConfig, SchedulerWorld } from './room.ts';
import type { ScheduleMetrics } from './schedule-metrics.ts';

/** What has been seen to, and what is under way. */
export interface Offers {
  /** Runs the row if it has been due since it was last seen to; told twice of one due time it runs once. */
  offer(row: ActiveRow): void;
  /** Ends what is under way; resolves when all of it has been written down. */
  stop(): Promise<void>;
}

interface Options {
  readonly world: SchedulerWorld;
  readonly config: SchedulerConfig;
  readonly metrics: ScheduleMetrics;
}

/** Reads from the run books up to when each row was seen to, so that what was missed meanwhile is made up for. */
export async function openOffers(rows: readonly ActiveRow[], options: Options): Promise<Offers> {
  const { world } = options;
  const seen = new Map<string, Date>();
  for (const { name } of rows)
    seen.set(name, seenTo(await readRuns(world, name)) ?? lastUpToNow(rows, name, world));
  const under = new Map<string, Promise<void>>();
  const stopping = new AbortController();
  return {
    offer: (row) => {
      const due = lastUpTo(row.schedule.cron, world.clock.now());
      if (stopping.signal.aborted || due <= (seen.get(row.name) ?? due)) return;
      seen.set(row.name, due);
      if (isTooLate(due, options)) return world.log.warn('a run was missed', { row: row.name, due });
      if (under.has(row.name)) return overlapped(row, options);
      under.set(
        row.name,
        execute(row, due, options, stopping.signal).finally(() => under.delete(row.name)),
      );
    },
    stop: async () => {
      stopping.abort();
      await Promise.all(under.values());
    },
  };
}

/** A row that never ran owes nothing from before the scheduler started. */
function lastUpToNow(rows: readonly ActiveRow[], name: string, { clock }: SchedulerWorld): Date {
  const row = rows.find((one) => one.name === name);
  return row ? lastUpTo(row.schedule.cron, clock.now()) : clock.now();
}

function isTooLate(due: Date, { world, config }: Options): boolean {
  return world.clock.now().getTime() - due.getTime() > config.SCHEDULE_CATCH_UP;
}

function overlapped({ name }: ActiveRow, { world, metrics }: Options): void {
  metrics.overlapped(name);
  world.log.warn('a row is due while its last run is still under way; it is left out this time', {
    row: name,
  });
}

async function execute(
  row: ActiveRow,
  due: Date,
  { world, config, metrics }: Options,
  stop: AbortSignal,
): Promise<void> {
  const log = world.log.with({ row: row.name });
  await world.clock.sleep(jitterMs({ row: row.name, due, seed: world.seed }, config.SCHEDULE_JITTER), stop);
  if (stop.aborted) return;
  log.info('a run starts', { due });
  try {
    const { outcome, exit, seconds, said } = await runRow(runWorld(world, config), { ...row, due }, stop);
    if (outcome !== null) metrics.ended(row.name, outcome);
    const good = outcome === 'done' || outcome === 'warned';
    log[good ? 'info' : 'error']('a run ended', { outcome, exit, seconds, ...(!good && { said }) });
  } catch (error) {
    if (error instanceof OperatorError && error.code === 'locked')
      return overlapped(row, { world, config, metrics });
    log.error('a run could not be made', { error });
  }
}

function runWorld(world: SchedulerWorld, config: SchedulerConfig): RunWorld {
  const limits = {
    timeoutMs: config.SCHEDULE_TIMEOUT,
    lockedRetryMs: config.SCHEDULE_LOCKED_RETRY,
    lockedForMs: config.SCHEDULE_LOCKED_FOR,
    keepRuns: config.SCHEDULE_KEEP_RUNS,
  };
  return { ...world, limits };
}
