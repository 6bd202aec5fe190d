import { join } from 'node:path';

import type { Clock } from '../adapters/clock.ts';
import type { OwnDirectory } from '../adapters/directory-owner.ts';
import type { Finished } from '../adapters/exec.ts';
import { OperatorError } from '../domain/failure.ts';
import { outcomeOf, type RunOutcome, type ScheduledRun } from '../domain/timetable.ts';
import { type BookWorld, runsFolder, writeRun } from './run-book.ts';

/** Runs mailctl itself with these words. Throws OperatorError `timed-out` when it was ended for taking too long. */
export type RunMailctl = (words: readonly string[], limits: RunLimits) => Promise<Finished>;

interface RunLimits {
  readonly timeoutMs: number;
  readonly stop: AbortSignal;
}

export interface RunWorld extends BookWorld {
  readonly clock: Clock;
  readonly own: OwnDirectory;
  readonly mailctl: RunMailctl;
  readonly limits: {
    readonly timeoutMs: number;
    /** How often, and for how long, a run that met another's lock tries again. */
    readonly lockedRetryMs: number;
    readonly lockedForMs: number;
    readonly keepRuns: number;
  };
}

export interface RunOrder {
  readonly name: string;
  readonly command: readonly string[];
  readonly due: Date;
}

const mostSaid = 2000;

/**
 * Runs one row of the timetable to its end and writes it down, before and after. Throws OperatorError `locked` while the row runs
 * already, here or in another process.
 */
export async function runRow(world: RunWorld, order: RunOrder, stop: AbortSignal): Promise<ScheduledRun> {
  const place = join(world.dir, runsFolder, `${order.name}.lock`);
  await world.files.makeFolder(place, 0o755);
  const owner = await world.own(place, world.limits.timeoutMs);
  try {
    return await runOwned(world, order, stop);
  } finally {
    await owner.release();
  }
}

async function runOwned(world: RunWorld, order: RunOrder, stop: AbortSignal): Promise<ScheduledRun> {
  const { clock, limits } = world;
  const started: ScheduledRun = {
    due: order.due.toISOString(),
    started_at: clock.now().toISOString(),
    ended_at: null,
    outcome: null,
    exit: null,
    seconds: null,
    said: '',
  };
  const sinceMs = clock.monotonicMs();
  await writeRun(world, order.name, started, limits.keepRuns);
  const end = await untilUnlocked(world, order, stop);
  const seconds = Math.round(clock.monotonicMs() - sinceMs) / 1000;
  const ended = { ...started, ...end, ended_at: clock.now().toISOString(), seconds };
  await writeRun(world, order.name, ended, limits.keepRuns);
  return ended;
}

interface End {
  readonly outcome: RunOutcome;
  readonly exit: number | null;
  readonly said: string;
}

/** Two commands that act do not run at once: the one that comes second waits its turn. */
async function untilUnlocked(world: RunWorld, { command }: RunOrder, stop: AbortSignal): Promise<End> {
  const { clock, limits } = world;
  const giveUpAtMs = clock.monotonicMs() + limits.lockedForMs;
  for (;;) {
    const end = await attempt(world, command, stop);
    if (end.outcome !== 'locked' || clock.monotonicMs() >= giveUpAtMs) return end;
    await clock.sleep(limits.lockedRetryMs, stop);
    if (stop.aborted) return { ...end, outcome: 'interrupted' };
  }
}

async function attempt(
  { dir, mailctl, limits }: RunWorld,
  command: readonly string[],
  stop: AbortSignal,
): Promise<End> {
  const words = ['-C', dir, ...command, '--yes', '--no-input', '--no-color'];
  try {
    const { exit, stderr } = await mailctl(words, { timeoutMs: limits.timeoutMs, stop });
    const outcome = stop.aborted && exit !== 0 ? 'interrupted' : outcomeOf(exit);
    return { outcome, exit: exit ?? null, said: endOf(stderr) };
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    const outcome = error.code === 'timed-out' ? 'timed-out' : 'failed';
    return { outcome, exit: null, said: endOf(error.message) };
  }
}

function endOf(text: string): string {
  return text.trim().slice(-mostSaid);
}
