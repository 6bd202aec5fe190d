import type { Database } from '../adapters/postgres.ts';
import { OperatorError } from '../domain/failure.ts';

const lockTimeout = '2s';

/**
 * Sees to it that today, by the database's clock, and the `days` after it have partitions for bodies. Returns the days it made. While
 * something such as a dump holds the table, no query is made to wait behind us: the next call makes what is missing.
 */
export async function ensureBodyPartitions(db: Database, days: number): Promise<readonly string[]> {
  const missing = await db.query<{ day: string }>(missingDays, [days]);
  const made: string[] = [];
  for (const { day } of missing) {
    if (await makePartition(db, day).catch(unlessLocked)) made.push(day);
  }
  return made;
}

const missingDays = `
select to_char(day, 'YYYY-MM-DD') as day
from generate_series((now() at time zone 'UTC')::date, (now() at time zone 'UTC')::date + $1::integer, interval '1 day') as day
where to_regclass('bodies_' || to_char(day, 'YYYYMMDD')) is null
order by day`;

/** A day that already has rows in the rest partition keeps them there: the rest serves it as well, only retention is slower. */
async function makePartition(db: Database, day: string): Promise<boolean> {
  const table = `bodies_${day.replaceAll('-', '')}`;
  return db.transaction(async (within) => {
    await within.query(`select set_config('lock_timeout', $1, true)`, [lockTimeout]);
    await within.query(`select pg_advisory_xact_lock(hashtext('mailctl body partitions'))`);
    const [found] = await within.query<{ taken: boolean }>(
      `select to_regclass($1) is not null or exists (select from bodies_rest where day = $2::date) as taken`,
      [table, day],
    );
    if (found?.taken) return false;
    await within.query(`create table ${table} (like bodies including all)`);
    await within.query(
      `alter table bodies attach partition ${table} for values from ('${day}') to (date '${day}' + 1)`,
    );
    return true;
  });
}

function unlessLocked(error: unknown): boolean {
  if (error instanceof OperatorError && error.code === 'locked') return false;
  throw error;
}
