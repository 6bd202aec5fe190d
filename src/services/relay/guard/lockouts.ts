import type { Clock } from '../../../adapters/clock.ts';
import type { Log } from '../../../adapters/log.ts';
import type { Redis } from '../../../adapters/redis.ts';
import {
  type Attempt,
  type CountedSubject,
  type LockoutRules,
  stricter,
  withoutLocks,
} from '../../../domain/lockout.ts';
import {
  addKnown,
  addLock,
  findOriginLock,
  findStanding,
  recordFailure,
  recordSuccess,
} from '../../../upkeep/lockouts.ts';
import type { Failure, LocalLockouts, Standing } from './local-lockouts.ts';

type Soon<T> = T | Promise<T>;

/** Who is locked, as far as can be known now. No answer takes longer than Redis may. */
export interface Lockouts {
  isTurnedAway(address: string): Soon<boolean>;
  findStanding(attempt: Attempt): Soon<Standing>;
  /** Returns what this failure locked. */
  countFailure(failure: Failure): Soon<readonly CountedSubject[]>;
  countSuccess(attempt: Attempt): Soon<void>;
  /** True while a Redis that there should be does not answer. */
  isDegraded(): boolean;
  stop(): Promise<void>;
}

export interface LockoutsOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Without one this process counts alone, and that is no trouble. */
  readonly redis: Redis | undefined;
  readonly local: LocalLockouts;
  readonly rules: LockoutRules;
  /** While Redis is away this part of the failures locks: several relays count apart then. */
  readonly degradedDivisor: number;
  readonly retryMs: number;
}

interface State {
  readonly options: LockoutsOptions;
  readonly stopped: AbortController;
  degraded: boolean;
  returning: Promise<void>;
}

/**
 * Counts in Redis, so that all relays count together, and beside it in this process: when Redis does not answer, the process
 * goes on with what it knows and locks earlier. What it locked meanwhile it hands over when Redis is back.
 */
export function openLockouts(options: LockoutsOptions): Lockouts {
  const stopped = new AbortController();
  const state: State = { options, stopped, degraded: false, returning: Promise.resolve() };
  const { local, redis } = options;
  redis?.onReady(() => void refill(state, redis));
  return {
    isTurnedAway: (address) =>
      askRedis(
        state,
        (shared) => findOriginLock(shared, address),
        () => local.isTurnedAway(address),
      ),
    findStanding: (attempt) =>
      askRedis(
        state,
        (shared) => findStanding(shared, attempt),
        () => local.findStanding(attempt),
      ),
    countFailure: (failure) => countFailure(state, failure),
    countSuccess: (attempt) => countSuccess(state, attempt),
    isDegraded: () => state.degraded,
    stop: async () => {
      stopped.abort();
      await state.returning;
    },
  };
}

function countFailure(state: State, failure: Failure): Soon<readonly CountedSubject[]> {
  const { local, redis, rules, degradedDivisor } = state.options;
  if (!redis) return local.countFailure(failure, rules);
  return askRedis(
    state,
    async (shared) => {
      const locked = await recordFailure(shared, failure, rules);
      local.countFailure(failure, withoutLocks(rules));
      return locked;
    },
    () => local.countFailure(failure, stricter(rules, degradedDivisor)),
  );
}

function countSuccess(state: State, attempt: Attempt): Soon<void> {
  const { local, rules } = state.options;
  local.countSuccess(attempt, rules);
  return askRedis(
    state,
    (shared) => recordSuccess(shared, attempt, rules),
    () => undefined,
  );
}

function askRedis<T>(state: State, ask: (redis: Redis) => Promise<T>, instead: () => T): Soon<T> {
  const { redis } = state.options;
  if (!redis || state.degraded) return instead();
  return ask(redis).catch((error: unknown) => {
    degrade(state, redis, error);
    return instead();
  });
}

function degrade(state: State, redis: Redis, error: unknown): void {
  if (state.degraded || state.stopped.signal.aborted) return;
  state.degraded = true;
  state.options.log.warn(
    'Redis does not answer: failed logins are counted in this process alone, more strictly',
    {
      error,
    },
  );
  state.returning = awaitReturn(state, redis);
}

async function awaitReturn(state: State, redis: Redis): Promise<void> {
  const { clock, log, retryMs } = state.options;
  const { signal } = state.stopped;
  while (!signal.aborted) {
    await clock.sleep(retryMs, signal);
    if (signal.aborted || !(await handOver(state, redis))) continue;
    state.degraded = false;
    log.info('Redis answers again: failed logins are counted together');
    return;
  }
}

/** False when Redis is not back after all; what it took until then is not lost. */
async function handOver({ options: { local } }: State, redis: Redis): Promise<boolean> {
  const { locks, known } = local.findings();
  try {
    await redis.call('PING');
    for (const { subject, leftMs } of locks) await addLock(redis, subject, leftMs);
    for (const { attempt, leftMs } of known) await addKnown(redis, attempt, leftMs);
  } catch {
    return false;
  }
  for (const { subject } of locks) local.release(subject);
  return true;
}

/** A Redis that was restarted between two questions has forgotten who is known. */
async function refill(state: State, redis: Redis): Promise<void> {
  if (!state.degraded && !(await handOver(state, redis))) degrade(state, redis, undefined);
}
