import type { Redis } from '../adapters/redis.ts';
import {
  type Attempt,
  type CountedSubject,
  countedSubjects,
  type LockoutRules,
  lockSteps,
  originSubjects,
  type Subject,
  usernameSubject,
} from '../domain/lockout.ts';
import { byOperator, failuresKey, knownKey, lockKey, locksKey, prefixes } from './lockout-keys.ts';

/** How an attempt stands before its password is looked at. */
export interface Standing {
  readonly isLocked: boolean;
  /** Whether the user logged in from this network before. */
  readonly isKnown: boolean;
}

/** Whether connections from an address are turned away. */
export async function findOriginLock(redis: Redis, address: string): Promise<boolean> {
  const locks = await readAll(redis, originSubjects(address).map(lockKey));
  return locks.some((lock) => lock !== null);
}

/** How an attempt stands. A network that the user knows is exempt from the lock of the name, except from an operator's. */
export async function findStanding(redis: Redis, attempt: Attempt): Promise<Standing> {
  const subjects = countedSubjects(attempt, false).map(({ subject }) => subject);
  const keys = [
    knownKey(attempt),
    ...subjects.map(lockKey),
    ...(attempt.address === undefined ? [] : originSubjects(attempt.address).slice(1).map(lockKey)),
  ];
  const [known, ...locks] = await readAll(redis, keys);
  const isKnown = attempt.address !== undefined && known !== null;
  const ofName = subjects.indexOf(usernameSubject(attempt.username));
  const isLocked = locks.some(
    (lock, n) => lock !== null && !(n === ofName && isKnown && !String(lock).startsWith(byOperator)),
  );
  return { isLocked, isKnown };
}

/**
 * Counts a wrong password, once in the window however often it is shown. `guess` is a keyed digest of user name and password.
 * Returns what this failure locked.
 */
export async function recordFailure(
  redis: Redis,
  {
    attempt,
    isKnown,
    guess,
  }: { readonly attempt: Attempt; readonly isKnown: boolean; readonly guess: string },
  rules: LockoutRules,
): Promise<readonly CountedSubject[]> {
  const counted = countedSubjects(attempt, isKnown);
  const keys = counted.flatMap(({ subject }) => [failuresKey(subject), locksKey(subject), lockKey(subject)]);
  const most = counted.map(({ counted: kind }) => rules.failures[kind]);
  const locked = await redis.evaluate(
    countingScript,
    [`${prefixes.guess}${guess}`, ...keys],
    [rules.windowMs, rules.memoryMs, counted.length, ...most, ...lockSteps(rules)],
  );
  const places = new Set(Array.isArray(locked) ? locked.map(Number) : []);
  return counted.filter((_, n) => places.has(n + 1));
}

/** Remembers that the user logged in from this network, and forgets the failures of the two together. */
export async function recordSuccess(redis: Redis, attempt: Attempt, rules: LockoutRules): Promise<void> {
  if (attempt.address === undefined) return;
  const pair = countedSubjects(attempt, true).filter(({ counted }) => counted === 'pair');
  await Promise.all([
    redis.call('SET', knownKey(attempt), '1', 'PX', rules.knownMs),
    redis.call('DEL', ...pair.map(({ subject }) => failuresKey(subject))),
  ]);
}

/** Remembers for a while that a user logged in from a network, unless that is known already. */
export async function addKnown(redis: Redis, attempt: Attempt, forMs: number): Promise<void> {
  await redis.call('SET', knownKey(attempt), '1', 'NX', 'PX', Math.ceil(forMs));
}

/** Locks a subject that is not locked yet. */
export async function addLock(redis: Redis, subject: Subject, forMs: number): Promise<void> {
  await redis.call('SET', lockKey(subject), 'failures', 'NX', 'PX', Math.ceil(forMs));
}

/** Each step's first failures start its window; the one that locks starts over. No lock is made shorter, and no ban changed. */
const countingScript = `
if not redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[1]) then return {} end
local memory, counted, locked = tonumber(ARGV[2]), tonumber(ARGV[3]), {}
for i = 1, counted do
  local failures, locks, lock = KEYS[3 * i - 1], KEYS[3 * i], KEYS[3 * i + 1]
  local count = redis.call('INCR', failures)
  if count == 1 then redis.call('PEXPIRE', failures, ARGV[1]) end
  if count >= tonumber(ARGV[3 + i]) then
    local nth = redis.call('INCR', locks)
    local ms = tonumber(ARGV[math.min(3 + counted + nth, #ARGV)])
    redis.call('PEXPIRE', locks, ms + memory)
    redis.call('DEL', failures)
    local left = redis.call('PTTL', lock)
    local isBan = string.sub(redis.call('GET', lock) or '', 1, #'${byOperator}') == '${byOperator}'
    if left < ms and not isBan then redis.call('SET', lock, 'failures', 'PX', ms) end
    locked[#locked + 1] = i
  end
end
return locked`;

async function readAll(redis: Redis, keys: readonly string[]): Promise<readonly unknown[]> {
  const values = await redis.call('MGET', ...keys);
  if (Array.isArray(values)) return values;
  throw new TypeError('MGET answered no list');
}
