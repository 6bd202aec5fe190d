import type { Redis } from '../adapters/redis.ts';
import type { Subject } from '../domain/lockout.ts';
import { byOperator, lockKey, prefixes } from './lockout-keys.ts';

/** A lock as it is kept. */
export interface Lock {
  /** Such as `network:192.0.2.0/24`; a name that would not fit on a line stands as its digest. */
  readonly subject: string;
  readonly by: 'failures' | 'operator';
  readonly reason: string | undefined;
  /** Undefined for one that has no end. */
  readonly leftMs: number | undefined;
}

/** Every lock there is, by subject. */
export async function listLocks(redis: Redis): Promise<readonly Lock[]> {
  const keys = (await keysLike(redis, prefixes.lock)).toSorted();
  const locks = await Promise.all(keys.map((key) => readLock(redis, key)));
  return locks.filter((lock) => lock !== undefined);
}

/** Locks a subject by the operator's will, whatever it was before. */
export async function setBan(
  redis: Redis,
  subject: Subject,
  { reason, forMs }: { readonly reason: string; readonly forMs: number | undefined },
): Promise<void> {
  const length = forMs === undefined ? [] : ['PX', Math.ceil(forMs)];
  await redis.call('SET', lockKey(subject), `${byOperator}:${reason}`, ...length);
}

/** Lifts a lock, given as `listLocks` names it, and forgets the failures that led to it. */
export async function removeLock(redis: Redis, subject: string): Promise<void> {
  const { lock, failures, locks } = prefixes;
  await redis.call('DEL', ...[lock, failures, locks].map((prefix) => `${prefix}${subject}`));
}

/** What is counted of one subject. */
export interface FailureCount {
  readonly subject: string;
  readonly failures: number;
  /** Until the failures are forgotten. */
  readonly leftMs: number;
}

/** Every count of failures there is. */
export async function listFailures(redis: Redis): Promise<readonly FailureCount[]> {
  const keys = (await keysLike(redis, prefixes.failures)).toSorted();
  return Promise.all(
    keys.map(async (key) => ({
      subject: key.slice(prefixes.failures.length),
      failures: Number(await redis.call('GET', key)),
      leftMs: Number(await redis.call('PTTL', key)),
    })),
  );
}

/** The networks that a user logged in from lately. */
export async function listKnownNetworks(redis: Redis, username: string): Promise<readonly string[]> {
  const prefix = `${prefixes.known}${username} `;
  const keys = await keysLike(redis, prefixes.known);
  return keys.flatMap((key) => (key.startsWith(prefix) ? [key.slice(prefix.length)] : [])).toSorted();
}

async function readLock(redis: Redis, key: string): Promise<Lock | undefined> {
  const [value, left] = await Promise.all([redis.call('GET', key), redis.call('PTTL', key)]);
  if (typeof value !== 'string') return undefined;
  const isBan = value.startsWith(byOperator);
  return {
    subject: key.slice(prefixes.lock.length),
    by: isBan ? 'operator' : 'failures',
    reason: isBan ? value.slice(byOperator.length + 1) || undefined : undefined,
    leftMs: Number(left) < 0 ? undefined : Number(left),
  };
}

/** Looks through Redis piece by piece, so that nobody waits for it. */
async function keysLike(redis: Redis, prefix: string): Promise<readonly string[]> {
  const found = new Set<string>();
  for (let cursor: string | undefined = '0'; cursor !== undefined;) {
    const [next, keys] = readScan(await redis.call('SCAN', cursor, 'MATCH', `${prefix}*`, 'COUNT', 1000));
    for (const key of keys) found.add(key);
    cursor = next === '0' ? undefined : next;
  }
  return [...found];
}

function readScan(reply: unknown): readonly [string, readonly string[]] {
  const [next, keys] = Array.isArray(reply) ? reply : [];
  if (Array.isArray(keys)) return [String(next), keys.map(String)];
  throw new TypeError('SCAN answered no list');
}
