import type { Clock } from '../adapters/clock.ts';
import type { Log } from '../adapters/log.ts';
import type { Random } from '../adapters/random.ts';
import { backoffMs } from '../domain/backoff.ts';

/** What a loop does, again and again. */
export interface Work {
  /** One round; true when there was something to do. `stop` ends a wait, never a piece of work; `alive` tells that a long one makes progress. */
  turn(stop: AbortSignal, alive: () => void): Promise<boolean>;
  /** After the last round: waits for what is under way and gives back what is not. */
  finish?(): Promise<void>;
  /** When the oldest piece of work under way began, in `monotonicMs`; undefined when there is none. */
  oldestMs?(): number | undefined;
}

/** How long a loop waits. */
export interface Pace {
  readonly idleMs: number;
  /** Longest wait while rounds fail. */
  readonly longestMs: number;
}

/** A loop that runs on until it is stopped. */
export interface Loop {
  readonly name: string;
  /** Milliseconds since it last showed progress: a round that ended, well or not. A hung one shows none. */
  sinceProgressMs(): number;
  /** Ends the loop after the round in hand and finishes its work. Safe to call twice. */
  stop(): Promise<void>;
}

interface World {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Runs `work` round after round. A round that throws is logged and tried again later: no error ends a loop. */
export function startLoop(name: string, work: Work, pace: Pace, world: World): Loop {
  const stopping = new AbortController();
  const progress = { atMs: world.clock.monotonicMs() };
  const ended = run(
    { work, pace, world: { ...world, log: world.log.with({ loop: name }) }, progress },
    stopping.signal,
  );
  return {
    name,
    sinceProgressMs: () => {
      const sinceMs = Math.min(progress.atMs, work.oldestMs?.() ?? Number.POSITIVE_INFINITY);
      return Math.max(0, world.clock.monotonicMs() - sinceMs);
    },
    stop: () => {
      stopping.abort();
      return ended;
    },
  };
}

interface Running {
  readonly work: Work;
  readonly pace: Pace;
  readonly world: World;
  readonly progress: { atMs: number };
}

async function run(running: Running, stop: AbortSignal): Promise<void> {
  const { work, world, progress } = running;
  let failures = 0;
  const alive = (): void => {
    progress.atMs = world.clock.monotonicMs();
  };
  while (!stop.aborted) {
    const round = await attempt(() => work.turn(stop, alive), world.log);
    alive();
    failures = round.failed ? failures + 1 : 0;
    if (!round.worked) await rest(running, waitMs(running, failures), stop);
  }
  await attempt(async () => work.finish?.(), world.log);
}

/** A wait is no hanging: progress is due when it ends. */
async function rest({ world, progress }: Running, ms: number, stop: AbortSignal): Promise<void> {
  progress.atMs += ms;
  await world.clock.sleep(ms, stop);
}

function waitMs({ pace, world }: Running, failures: number): number {
  if (failures === 0) return pace.idleMs;
  return backoffMs(failures, { baseMs: pace.idleMs, mostMs: pace.longestMs }, world.random.fraction());
}

async function attempt(
  work: () => Promise<unknown>,
  log: Log,
): Promise<{ readonly worked: boolean; readonly failed: boolean }> {
  try {
    return { worked: (await work()) === true, failed: false };
  } catch (error) {
    log.error('the round failed; it will be tried again', { error });
    return { worked: false, failed: true };
  }
}
