import type { Redis } from '../../../adapters/redis.ts';
import {
  type Attempt,
  type CountedSubject,
  countedSubjects,
  type LockoutRules,
  originSubjects,
  stricter,
} from '../../../domain/lockout.ts';
import {
  addKnown,
  addLock,
  findOriginLock,
  findStanding,
  recordFailure,
  recordSuccess,
} from '../../../upkeep/lockouts.ts';
import type { SharedCounting } from '../../shared-counting.ts';
import type { Failure, LocalLockouts, Standing } from './local-lockouts.ts';

type Soon<T> = T | Promise<T>;

/** Who is locked, as far as can be known now. No answer takes longer than Redis may. */
export interface Lockouts {
  isTurnedAway(address: string): Soon<boolean>;
  findStanding(attempt: Attempt): Soon<Standing>;
  /** Returns what this failure locked. */
  countFailure(failure: Failure): Soon<readonly CountedSubject[]>;
  countSuccess(attempt: Attempt): Soon<void>;
}

export interface LockoutsOptions {
  readonly shared: SharedCounting;
  readonly local: LocalLockouts;
  readonly rules: LockoutRules;
  /** While Redis is away this part of the failures locks: several relays count apart then. */
  readonly degradedDivisor: number;
  /** Hears that users are known in networks that a restart should know too. */
  learned(): void;
}

/**
 * Counts in Redis, so that all relays count together, and beside it in this process: when Redis does not answer, the process
 * goes on with what it has counted and locked, and locks earlier. As long as Redis answers, only its locks hold.
 */
export function openLockouts(options: LockoutsOptions): Lockouts {
  const { shared, local, rules } = options;
  return {
    isTurnedAway: (address) =>
      shared.ask(
        async (redis) => {
          const isLocked = await findOriginLock(redis, address);
          if (!isLocked) local.release(originSubjects(address));
          return isLocked;
        },
        () => local.isTurnedAway(address),
      ),
    findStanding: (attempt) =>
      shared.ask(
        async (redis) => {
          const standing = await findStanding(redis, attempt);
          if (!standing.isLocked)
            local.release(countedSubjects(attempt, false).map(({ subject }) => subject));
          return standing;
        },
        () => local.findStanding(attempt),
      ),
    countFailure: (failure) => countFailure(options, failure),
    countSuccess: (attempt) => {
      if (local.countSuccess(attempt, rules)) options.learned();
      return shared.ask(
        (redis) => recordSuccess(redis, attempt, rules),
        () => undefined,
      );
    },
  };
}

function countFailure(
  { shared, local, rules, degradedDivisor }: LockoutsOptions,
  failure: Failure,
): Soon<readonly CountedSubject[]> {
  if (!shared.isShared) return local.countFailure(failure, rules);
  return shared.ask(
    async (redis) => {
      const locked = await recordFailure(redis, failure, rules);
      local.countFailure(failure, rules);
      return locked;
    },
    () => local.countFailure(failure, stricter(rules, degradedDivisor)),
  );
}

/** Hands over to a Redis what this process locked while it was away, and who is known; what it did not take is not lost. */
export async function refillLockouts(redis: Redis, local: LocalLockouts): Promise<void> {
  const { locks, known } = local.findings();
  for (const { subject, leftMs } of locks) await addLock(redis, subject, leftMs);
  for (const { attempt, leftMs } of known) await addKnown(redis, attempt, leftMs);
  local.release(locks.map(({ subject }) => subject));
}
