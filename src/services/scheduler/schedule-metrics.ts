import { lastUpTo, nextAfter } from '../../domain/cron.ts';
import type { RunOutcome, ScheduledRun } from '../../domain/timetable.ts';
import { type Figure, readFigures } from '../../upkeep/figures.ts';
import { readRuns } from '../../upkeep/run-book.ts';
import { counter, Gauge, gauge, type Registry } from '../metrics.ts';
import type { ActiveRow, SchedulerWorld } from './room.ts';

/** What the scheduler counts as it goes. */
export interface ScheduleMetrics {
  ended(row: string, outcome: RunOutcome): void;
  overlapped(row: string): void;
}

/** Figures of the rows: of their runs in the run book, whoever ran them, and what the commands left to be published. */
export function openScheduleMetrics(
  registry: Registry,
  rows: readonly ActiveRow[],
  world: SchedulerWorld,
): ScheduleMetrics {
  const runs = counter(registry, {
    name: 'mailctl_schedule_runs_total',
    help: 'Runs of the timetable that ended, by row and outcome',
    labels: ['row', 'outcome'],
  });
  const overlaps = counter(registry, {
    name: 'mailctl_schedule_overlaps_total',
    help: 'Times a row was due while its last run was still under way',
    labels: ['row'],
  });
  const perRow = async (set: (row: ActiveRow, history: readonly ScheduledRun[]) => void): Promise<void> => {
    for (const row of rows) set(row, await readRuns(world, row.name));
  };
  lastRuns(registry, perRow);
  dueTimes(registry, rows, world);
  publishLeft(registry, world);
  return {
    ended: (row, outcome) => runs.inc({ row, outcome }),
    overlapped: (row) => overlaps.inc({ row }),
  };
}

function dueTimes(registry: Registry, rows: readonly ActiveRow[], { clock }: SchedulerWorld): void {
  gauge(registry, {
    name: 'mailctl_schedule_next_run_timestamp_seconds',
    help: 'When a row is due next',
    labels: ['row'],
    collect() {
      for (const { name, schedule } of rows)
        this.set({ row: name }, nextAfter(schedule.cron, clock.now()).getTime() / 1000);
    },
  });
  gauge(registry, {
    name: 'mailctl_schedule_previous_due_timestamp_seconds',
    help: 'When a row was due last; a last success long before it means that the row does not run',
    labels: ['row'],
    collect() {
      for (const { name, schedule } of rows)
        this.set({ row: name }, lastUpTo(schedule.cron, clock.now()).getTime() / 1000);
    },
  });
}

type PerRow = (set: (row: ActiveRow, history: readonly ScheduledRun[]) => void) => Promise<void>;

function lastRuns(registry: Registry, perRow: PerRow): void {
  const row = ['row'] as const;
  gauge(registry, {
    name: 'mailctl_schedule_last_success_timestamp_seconds',
    help: 'When the last run of a row ended well',
    labels: row,
    collect() {
      return perRow(({ name }, history) => {
        const good = history.find(({ outcome }) => outcome === 'done' || outcome === 'warned');
        if (good?.ended_at) this.set({ row: name }, Date.parse(good.ended_at) / 1000);
      });
    },
  });
  gauge(registry, {
    name: 'mailctl_schedule_last_failed',
    help: '1 where the last run of a row ended badly',
    labels: row,
    collect() {
      return perRow(({ name }, history) => {
        const last = history.find(({ outcome }) => outcome !== null);
        if (last) this.set({ row: name }, last.outcome === 'done' || last.outcome === 'warned' ? 0 : 1);
      });
    },
  });
  gauge(registry, {
    name: 'mailctl_schedule_last_duration_seconds',
    help: 'How long the last run of a row took',
    labels: row,
    collect() {
      return perRow(({ name }, history) => {
        const last = history.find(({ seconds }) => seconds !== null);
        if (last?.seconds != null) this.set({ row: name }, last.seconds);
      });
    },
  });
}

/** Metrics whose names are not known beforehand: what commands wrote down for us is taken in at each scrape. */
function publishLeft(registry: Registry, world: SchedulerWorld): void {
  gauge(registry, {
    name: 'mailctl_schedule_published_figures',
    help: 'Figures of commands that do not stay, published here',
    labels: [],
    async collect() {
      const figures = await readFigures(world);
      for (const name of new Set(figures.map((figure) => figure.name))) {
        publish(
          registry,
          figures.filter((figure) => figure.name === name),
        );
      }
      this.set({}, figures.length);
    },
  });
}

function publish(registry: Registry, figures: readonly Figure[]): void {
  const [first] = figures;
  if (!first) return;
  const { name, help, labels } = first;
  const known = registry.getSingleMetric(name);
  const target = known ?? gauge(registry, { name, help, labels: Object.keys(labels) });
  if (!(target instanceof Gauge)) return;
  target.reset();
  for (const figure of figures) {
    if (Object.keys(figure.labels).join() === Object.keys(labels).join())
      target.set(figure.labels, figure.value);
  }
}
