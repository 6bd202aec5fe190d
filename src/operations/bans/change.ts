import type { Redis } from '../../adapters/redis.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import { listFailures, listLocks, type Lock, removeLock, setBan } from '../../upkeep/bans.ts';
import type { Plan, Step } from '../plan.ts';
import { type ShownBan, shownBan, withoutRedis } from './show.ts';
import { bannedSubject, concerns, readTarget } from './subject.ts';

/** What was locked, or what was lifted. */
export interface ChangedBans {
  readonly bans: readonly ShownBan[];
}

/** Plans to lock an address, a network or a user name; no length means until it is removed. */
export async function planBan(
  runtime: Runtime,
  word: string,
  { reason, forMs }: { readonly reason: string; readonly forMs: number | undefined },
): Promise<Plan<ChangedBans>> {
  const subject = bannedSubject(readTarget(word));
  const redis = await requireRedis(runtime);
  await redis.call('PING');
  const ban: Lock = { subject, by: 'operator', reason: reason === '' ? undefined : reason, leftMs: forMs };
  let made: readonly Lock[] = [];
  const until =
    forMs === undefined ? 'until it is removed' : `until ${shownBan(ban, runtime.clock.now()).until}`;
  const step: Step = {
    do: 'redis',
    what: `lock ${subject} on every relay ${until}; sessions that are logged in go on`,
    run: async () => {
      await setBan(redis, subject, { reason, forMs });
      made = [ban];
    },
  };
  return planOf(runtime, { title: `Ban ${word}`, steps: [step], bans: () => made });
}

/** Plans to lift every lock that concerns an address, a network or a user name, and to forget the failures behind it. */
export async function planLift(runtime: Runtime, word: string): Promise<Plan<ChangedBans>> {
  const target = readTarget(word);
  const redis = await requireRedis(runtime);
  const locks = (await listLocks(redis)).filter(({ subject }) => concerns(target, subject));
  const locked = new Set(locks.map(({ subject }) => subject));
  const counts = (await listFailures(redis)).filter(
    ({ subject }) => concerns(target, subject) && !locked.has(subject),
  );
  const lifted: Lock[] = [];
  const lifts = locks.map((lock) => ({
    do: 'redis',
    what: `lift the lock of ${lock.subject}`,
    run: async () => {
      await removeLock(redis, lock.subject);
      lifted.push(lock);
    },
  }));
  const oblivions = counts.map(({ subject, failures }) => ({
    do: 'redis',
    what: `forget ${failures} failed logins of ${subject}`,
    run: () => removeLock(redis, subject),
  }));
  const steps = [...lifts, ...oblivions];
  const title = steps.length === 0 ? `Nothing locks ${word}` : `Lift what locks ${word}`;
  return planOf(runtime, { title, steps, bans: () => lifted });
}

interface Parts {
  readonly title: string;
  readonly steps: readonly Step[];
  bans(): readonly Lock[];
}

function planOf({ clock }: Runtime, { title, steps, bans }: Parts): Plan<ChangedBans> {
  return { title, steps, result: () => ({ bans: bans().map((lock) => shownBan(lock, clock.now())) }) };
}

async function requireRedis(runtime: Runtime): Promise<Redis> {
  const redis = await runtime.redis();
  if (redis) return redis;
  throw new OperatorError('config-invalid', withoutRedis, {
    hint: 'Set REDIS_URL for the relays and here, or restart the relay',
    field: 'REDIS_URL',
  });
}
