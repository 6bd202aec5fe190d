import { readdir, readFile } from 'node:fs/promises';

import type { Database } from '../adapters/postgres.ts';
import { OperatorError } from '../domain/failure.ts';

const folder = new URL('../../src/store/migrations/', import.meta.url);

/** One numbered SQL file; forward only. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

/** The migrations this program brings, oldest first. */
export async function migrations(): Promise<readonly Migration[]> {
  const files = (await readdir(folder)).filter((file) => /^\d{4}_.*\.sql$/.test(file)).toSorted();
  return Promise.all(
    files.map(async (file) => ({
      version: Number(file.slice(0, 4)),
      name: file.slice(5, -4),
      sql: await readFile(new URL(file, folder), 'utf8'),
    })),
  );
}

/** What a database has and what it lacks. `newerThanUs` names versions this program does not know. */
export interface MigrationStatus {
  readonly applied: readonly number[];
  readonly missing: readonly Migration[];
  readonly newerThanUs: readonly number[];
}

/** Looks only; a database that was never migrated lacks everything. */
export async function migrationStatus(db: Database, known: readonly Migration[]): Promise<MigrationStatus> {
  const [table] = await db.query<{ exists: boolean }>(
    `select to_regclass('migrations') is not null as exists`,
  );
  const rows = table?.exists
    ? await db.query<{ version: number }>('select version from migrations order by version')
    : [];
  const applied = rows.map((row) => row.version);
  return {
    applied,
    missing: known.filter((migration) => !applied.includes(migration.version)),
    newerThanUs: applied.filter((version) => !known.some((migration) => migration.version === version)),
  };
}

/**
 * Applies what is missing, each file in a transaction of its own, and returns what it applied. Safe when several processes
 * start at once: one migrates, the others wait at most `waitMs`. A database newer than this program is refused.
 */
export async function migrate(
  db: Database,
  known: readonly Migration[],
  waitMs: number,
): Promise<readonly Migration[]> {
  const { missing, newerThanUs } = await migrationStatus(db, known);
  if (newerThanUs.length > 0) throw newer(newerThanUs);
  const applied: Migration[] = [];
  for (const migration of missing) {
    if (await applyOnce(db, migration, waitMs)) applied.push(migration);
  }
  return applied;
}

const unhurried = { isUnhurried: true } as const;

async function applyOnce(db: Database, { version, name, sql }: Migration, waitMs: number): Promise<boolean> {
  return db.transaction(async (within) => {
    await within.query(`select set_config('lock_timeout', $1, true)`, [`${waitMs}ms`]);
    await within.query(`select pg_advisory_xact_lock(hashtext('mailctl migrations'))`);
    await within.query(
      'create table if not exists migrations (version integer primary key, name text not null, applied_at timestamptz not null default now())',
    );
    const done = await within.query('select 1 from migrations where version = $1', [version]);
    if (done.length > 0) return false;
    await within.query(sql);
    await within.query('insert into migrations (version, name) values ($1, $2)', [version, name]);
    return true;
  }, unhurried);
}

function newer(versions: readonly number[]): OperatorError {
  return new OperatorError(
    'refused',
    `the database is newer than this mailctl: it has migration ${versions.join(', ')}`,
    {
      hint: 'Install the mailctl version that made it, or a newer one; nothing was changed',
    },
  );
}
