import { describe, expect, it, vi } from 'vitest';

import { silentLog } from '../../../src/adapters/log.ts';
import { systemRandom } from '../../../src/adapters/random.ts';
import { parseCron } from '../../../src/domain/cron.ts';
import { OperatorError } from '../../../src/domain/failure.ts';
import { jitterMs } from '../../../src/domain/jitter.ts';
import type { ScheduledRun } from '../../../src/domain/timetable.ts';
import type { ActiveRow } from '../../../src/services/scheduler/room.ts';
import { startScheduler } from '../../../src/services/scheduler/start.ts';
import { recordFigures } from '../../../src/upkeep/figures.ts';
import { writeRun } from '../../../src/upkeep/run-book.ts';
import type { RunMailctl } from '../../../src/upkeep/scheduled-run.ts';
import { runFolder } from '../../fakes/run-folder.ts';
import { type StandingClock, standingClock } from '../../fakes/standing-clock.ts';

const minute = 60_000;
const config = {
  MAILCTL_MODE: 'sandbox',
  LOG_LEVEL: 'error',
  SCHEDULER_HEALTH_LISTEN: { host: '127.0.0.1', port: 0 },
  SCHEDULE_E2E: undefined,
  SCHEDULE_POSTAL_RESCUE: undefined,
  SCHEDULE_POSTAL_RECONCILE: undefined,
  SCHEDULE_POSTAL_RETENTION: undefined,
  SCHEDULE_BACKUP: undefined,
  SCHEDULE_BACKUP_COPY: undefined,
  BACKUP_COPY_DIR: undefined,
  BACKUP_S3_URL: undefined,
  SCHEDULE_BACKUP_VERIFY: undefined,
  SCHEDULE_BACKUP_PRUNE: undefined,
  SCHEDULE_KEYS_ROTATE: undefined,
  SCHEDULE_KEYS_NOTICE: undefined,
  SCHEDULE_JITTER: 0,
  SCHEDULE_TIMEOUT: 60 * minute,
  SCHEDULE_CATCH_UP: 24 * 60 * minute,
  SCHEDULE_LOCKED_RETRY: minute,
  SCHEDULE_LOCKED_FOR: 5 * minute,
  SCHEDULE_KEEP_RUNS: 5,
  SCHEDULER_POLL_INTERVAL: 10_000,
  SCHEDULER_STALL_AFTER: 2 * minute,
  SCHEDULER_SHUTDOWN_TIMEOUT: minute,
} as const;
const hourly = row('backup', '0 * * * *');

function row(name: string, text: string): ActiveRow {
  const cron = parseCron(text);
  if (typeof cron === 'string') throw new Error(cron);
  return { name, command: [name, 'run'], schedule: { text, cron } };
}

interface RigTimes {
  readonly clock: StandingClock;
  readonly jitter: number;
}

function shortlyAfterNoon(): RigTimes {
  return { clock: standingClock(new Date('2026-03-01T12:00:30Z')), jitter: 0 };
}

/** A scheduler at 12:00:30, with what its mailctl was asked and how it is let go. */
async function rig(
  mailctl: RunMailctl = async () => ended(0),
  before: readonly ScheduledRun[] = [],
  rows: readonly ActiveRow[] = [hourly],
  { clock, jitter }: RigTimes = shortlyAfterNoon(),
) {
  const asked: string[] = [];
  const folder = runFolder((words, limits) => {
    asked.push(words.slice(2).join(' '));
    return mailctl(words, limits);
  });
  for (const run of before.toReversed()) await writeRun(folder.world, 'backup', run, 5);
  const start = () =>
    startScheduler(
      { ...config, SCHEDULE_JITTER: jitter },
      { ...folder.world, clock, random: systemRandom, seed: 'a host', log: silentLog },
      rows,
    );
  const running = await start();
  const { host = '', port = 0 } = running.addresses['health'] ?? {};
  return {
    asked,
    folder,
    clock,
    running,
    start,
    get: async (path: string) => {
      const response = await fetch(`http://${host}:${port}${path}`);
      return { status: response.status, body: await response.text() };
    },
    /** Moves the time on, and lets the scheduler look at its timetable. */
    pass: (ms: number) => {
      for (let left = ms; left > 0; left -= 10_000) clock.advance(Math.min(left, 10_000));
    },
    [Symbol.asyncDispose]: async () => {
      await running.stop();
      folder[Symbol.dispose]();
    },
  };
}

function ended(exit: number, stderr = '') {
  return { exit, stdout: '', stderr };
}

function past(due: string, outcome: ScheduledRun['outcome']): ScheduledRun {
  const ended_at = outcome === null ? null : due;
  return { due, started_at: due, ended_at, outcome, exit: null, seconds: null, said: '' };
}

const eventually = (look: () => void | Promise<void>) => vi.waitFor(look, { timeout: 10_000 });

describe('the scheduler', () => {
  it('runs a row when it is due, and writes down how it ended', async () => {
    await using scheduler = await rig(async () => ended(3, 'one thing was wrong\n'));
    scheduler.pass(60 * minute);

    await eventually(async () =>
      expect(await scheduler.folder.runs('backup')).toMatchObject([
        {
          due: '2026-03-01T13:00:00.000Z',
          outcome: 'warned',
          exit: 3,
          said: 'one thing was wrong',
          ended_at: expect.any(String),
        },
      ]),
    );
    expect(scheduler.asked).toEqual(['backup run --yes --no-input --no-color']);
  });

  it('starts a run later by its share of SCHEDULE_JITTER, which is the same in every process', async () => {
    const most = 30 * minute;
    await using scheduler = await rig(undefined, [], undefined, { ...shortlyAfterNoon(), jitter: most });
    const due = new Date('2026-03-01T13:00:00Z');
    scheduler.pass(30 * minute);
    await eventually(() => {
      scheduler.pass(minute);
      expect(scheduler.asked).toHaveLength(1);
    });

    const [run] = await scheduler.folder.runs('backup');
    const late = jitterMs({ row: 'backup', due, seed: 'a host' }, most);
    expect(late).toBeGreaterThan(minute);
    expect(Date.parse(String(run?.['started_at']))).toBeGreaterThanOrEqual(due.getTime() + late);
  });

  it('owes nothing from before it was first started', async () => {
    await using scheduler = await rig();
    scheduler.pass(minute);

    await eventually(async () => expect((await scheduler.get('/health/live')).status).toBe(200));
    expect(scheduler.asked).toEqual([]);
  });

  it('makes up for what was missed while it was away, once', async () => {
    await using scheduler = await rig(undefined, [past('2026-03-01T08:00:00.000Z', 'done')]);
    scheduler.pass(minute);

    await eventually(async () =>
      expect(await scheduler.folder.runs('backup')).toMatchObject([
        { due: '2026-03-01T12:00:00.000Z', outcome: 'done' },
        { due: '2026-03-01T08:00:00.000Z' },
      ]),
    );
    expect(scheduler.asked).toHaveLength(1);
  });

  it('does not make up for what lies too long ago', async () => {
    const daily = row('backup', '0 10 * * 1');
    await using scheduler = await rig(undefined, [past('2026-02-16T10:00:00.000Z', 'done')], [daily]);
    scheduler.pass(minute);

    await eventually(async () => expect((await scheduler.get('/health/live')).status).toBe(200));
    expect(scheduler.asked).toEqual([]);
  });

  it('runs again what was cut off when it died', async () => {
    await using scheduler = await rig(undefined, [past('2026-03-01T12:00:00.000Z', null)]);
    scheduler.pass(minute);

    await eventually(() => expect(scheduler.asked).toHaveLength(1));
  });

  it('never runs a row twice at a time, and counts what was left out', async () => {
    let finish = () => undefined as void;
    const under = new Promise<ReturnType<typeof ended>>((resolve) => {
      finish = () => resolve(ended(0));
    });
    await using scheduler = await rig(() => under);
    scheduler.pass(60 * minute);
    await eventually(() => expect(scheduler.asked).toHaveLength(1));
    scheduler.pass(60 * minute);

    await eventually(async () =>
      expect((await scheduler.get('/metrics')).body).toMatch(/overlaps_total\{row="backup".*\} 1/),
    );
    expect(scheduler.asked).toHaveLength(1);
    finish();
  });

  it('tries again while another mailctl holds the lock, and then says that it was locked out', async () => {
    await using scheduler = await rig(async () => ended(11, 'locked'));
    scheduler.pass(60 * minute);
    await eventually(() => expect(scheduler.asked).toHaveLength(1));
    await eventually(async () => {
      scheduler.pass(minute);
      expect(await scheduler.folder.runs('backup')).toMatchObject([{ outcome: 'locked', exit: 11 }]);
    });

    expect(scheduler.asked.length).toBeGreaterThan(1);
  });

  it.each([
    [new OperatorError('timed-out', 'too slow', { hint: '' }), 'timed-out'],
    [new OperatorError('unreachable', 'no such program', { hint: '' }), 'failed'],
  ])('writes down that a run could not be brought to its end: %s', async (error, outcome) => {
    await using scheduler = await rig(async () => {
      throw error;
    });
    scheduler.pass(60 * minute);

    await eventually(async () =>
      expect(await scheduler.folder.runs('backup')).toMatchObject([{ outcome, exit: null }]),
    );
  });

  it('ends its runs when it is stopped, and makes up for them at the next start', async () => {
    const scheduler = await rig(
      (_, { stop }) =>
        new Promise((resolve) => {
          stop.addEventListener('abort', () => resolve({ ...ended(143), exit: undefined }), { once: true });
        }),
    );
    scheduler.pass(60 * minute);
    await eventually(() => expect(scheduler.asked).toHaveLength(1));
    await scheduler.running.stop();

    expect(await scheduler.folder.runs('backup')).toMatchObject([{ outcome: 'interrupted' }]);
    const again = await scheduler.start();
    scheduler.pass(minute);
    await eventually(() => expect(scheduler.asked).toHaveLength(2));
    await again.stop();
    scheduler.folder[Symbol.dispose]();
  });

  it('publishes how runs went, and the figures that commands left', async () => {
    await using scheduler = await rig();
    await recordFigures(scheduler.folder.world, 'backup', [
      { name: 'mailctl_backup_size_bytes', help: 'Size of the last set', labels: { store: 'x' }, value: 7 },
    ]);
    scheduler.pass(60 * minute);

    await eventually(async () => {
      const { body } = await scheduler.get('/metrics');
      expect(body).toMatch(/mailctl_schedule_runs_total\{row="backup",outcome="done".*\} 1/);
      expect(body).toMatch(/mailctl_schedule_last_failed\{row="backup".*\} 0/);
      const [last] = await scheduler.folder.runs('backup');
      expect(body).toMatch(
        new RegExp(`mailctl_schedule_last_duration_seconds\\{row="backup".*\\} ${last?.seconds}\n`),
      );
      expect(body).toMatch(/mailctl_schedule_next_run_timestamp_seconds\{row="backup".*\} 17723736/);
      expect(body).toMatch(/mailctl_backup_size_bytes\{store="x".*\} 7/);
    });
  });

  it('counts as hung when it looks at its timetable no more', async () => {
    const clock = standingClock();
    const asleep = { ...clock, sleep: (_: number, stop?: AbortSignal) => clock.sleep(Infinity, stop) };
    await using scheduler = await rig(undefined, [], [hourly], { clock: asleep, jitter: 0 });
    expect((await scheduler.get('/health/live')).status).toBe(200);
    clock.advance(3 * minute);

    expect((await scheduler.get('/health/live')).status).toBe(503);
  });

  it('takes a run book that is damaged for an empty one', async () => {
    await using scheduler = await rig();
    await scheduler.folder.world.files.makeFolder(`${scheduler.folder.dir}/state/runs`, 0o755);
    await scheduler.folder.world.files.write(
      `${scheduler.folder.dir}/state/runs/backup.runs.json`,
      '{"runs":[{"due":7},',
      0o644,
    );
    scheduler.pass(60 * minute);

    await eventually(async () =>
      expect(await scheduler.folder.runs('backup')).toMatchObject([{ outcome: 'done' }]),
    );
  });
});
