import { rowNames, timetable } from '../../domain/timetable.ts';
import { timesOf } from '../../upkeep/timetable.ts';
import { type Probe, startHealth } from '../health.ts';
import { type Loop, startLoop } from '../loop.ts';
import { openMetrics } from '../metrics.ts';
import type { Running } from '../running.ts';
import { openOffers } from './offer.ts';
import type { ActiveRow, SchedulerConfig, SchedulerWorld } from './room.ts';
import { openScheduleMetrics } from './schedule-metrics.ts';
import { startTicks } from './ticks.ts';

/** Starts the timetable: each row when it is due, what was missed once, and never two runs of a row at a time. */
export async function startScheduler(
  config: SchedulerConfig,
  world: SchedulerWorld,
  rows: readonly ActiveRow[] = activeRows(config),
): Promise<Running> {
  const registry = openMetrics('scheduler');
  const metrics = openScheduleMetrics(registry, rows, world);
  const offers = await openOffers(rows, { world, config, metrics });
  const turn = async (): Promise<false> => {
    for (const row of rows) offers.offer(row);
    return false;
  };
  const { SCHEDULER_POLL_INTERVAL: everyMs } = config;
  const loop = startLoop('timetable', { turn }, { idleMs: everyMs, longestMs: everyMs }, world);
  const health = await startHealth({
    service: 'scheduler',
    listen: config.SCHEDULER_HEALTH_LISTEN,
    live: { loop: progress(loop, config) },
    ready: {},
    metrics: registry,
  }).catch(async (cause: unknown) => {
    await loop.stop();
    await offers.stop();
    throw cause;
  });
  const endTicks = startTicks(rows, offers.offer);
  world.log.info('the timetable', { rows: rows.map(({ name, schedule }) => `${name}: ${schedule.text}`) });
  const stop = async (): Promise<void> => {
    await endTicks();
    await loop.stop();
    await within(config.SCHEDULER_SHUTDOWN_TIMEOUT, offers.stop(), world);
    await health.stop();
  };
  let stopped: Promise<void> | undefined;
  return { addresses: health.addresses, stop: () => (stopped ??= stop()) };
}

function activeRows(config: SchedulerConfig): readonly ActiveRow[] {
  const times = timesOf(config);
  return rowNames.flatMap((name) => {
    const schedule = times[name];
    return schedule ? [{ name, command: timetable[name].command, schedule }] : [];
  });
}

/** Runs may take hours; hung is only a scheduler that looks at its timetable no more. */
function progress(loop: Loop, { SCHEDULER_STALL_AFTER: most }: SchedulerConfig): Probe {
  return async () =>
    loop.sinceProgressMs() <= most ? { ok: true } : { ok: false, why: 'the timetable is not looked at' };
}

async function within(ms: number, work: Promise<void>, { clock, log }: SchedulerWorld): Promise<void> {
  const done = new AbortController();
  await Promise.race([work.then(() => done.abort()), clock.sleep(ms, done.signal)]);
  if (!done.signal.aborted) log.error('a run did not end within SCHEDULER_SHUTDOWN_TIMEOUT');
}
