import type { Redis } from '../../adapters/redis.ts';
import { listLocks, type Lock } from '../../upkeep/bans.ts';

/** A lock as it is reported; without `until` it has no end. */
export interface ShownBan {
  readonly subject: string;
  readonly by: 'failures' | 'operator';
  readonly reason: string | null;
  readonly until: string | null;
}

/** What it means that there is no Redis. */
export const withoutRedis =
  'REDIS_URL is not set: each relay keeps the locks it made in its own memory, where no command sees them; restarting it lifts them';

/** Every lock that the relays share, by subject; none where there is no Redis. */
export async function showBans(
  redis: Redis | undefined,
  now: Date,
): Promise<{ readonly bans: readonly ShownBan[] }> {
  const locks = redis ? await listLocks(redis) : [];
  return { bans: locks.map((lock) => shownBan(lock, now)) };
}

/** A lock in the form of the report. */
export function shownBan({ subject, by, reason, leftMs }: Lock, now: Date): ShownBan {
  const until = leftMs === undefined ? null : new Date(now.getTime() + leftMs).toISOString();
  return { subject, by, reason: reason ?? null, until };
}
