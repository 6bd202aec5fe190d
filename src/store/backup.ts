import type { Database } from '../adapters/postgres.ts';
import type { TableRows } from '../domain/backup-set.ts';

/** A moment of the database that other sessions can join while the transaction lasts. */
export interface Snapshot {
  readonly name: string;
  readonly position: string | null;
}

/** Begins to read as of now; must be the first thing in a transaction, which should be unhurried. */
export async function beginSnapshot(within: Database): Promise<Snapshot> {
  await within.query('set transaction isolation level repeatable read, read only');
  const [row] = await within.query<{ name: string; position: string | null }>(
    `select pg_export_snapshot() as name,
       (case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end)::text as position`,
  );
  return { name: row?.name ?? '', position: row?.position ?? null };
}

/** The server's version, such as `17.2`. */
export async function postgresVersion(db: Database): Promise<string> {
  const [row] = await db.query<{ version: string }>(`select current_setting('server_version') as version`);
  return /^\d+(\.\d+)*/.exec(row?.version ?? '')?.[0] ?? 'unknown';
}

/** Rows of every table, as the transaction sees them. */
export async function countRows(db: Database, database: string): Promise<readonly TableRows[]> {
  const tables = await db.query<{ name: string; quoted: string }>(
    `select case when n.nspname = 'public' then c.relname else n.nspname || '.' || c.relname end as name,
       format('%I.%I', n.nspname, c.relname) as quoted
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\\_%'
     order by 1`,
  );
  const counted: TableRows[] = [];
  for (const { name, quoted } of tables) {
    const [row] = await db.query<{ rows: string }>(`select count(*) as rows from ${quoted}`);
    counted.push({ database, table: name, rows: Number(row?.rows ?? 0) });
  }
  return counted;
}

/** The octets of the newest message whose body is kept, and how many they were when it was taken; undefined where there is none. */
export async function newestBody(
  db: Database,
): Promise<{ readonly id: string; readonly sizeBytes: number; readonly raw: Buffer } | undefined> {
  const [row] = await db.query<{ id: string; size_bytes: number; raw: Buffer }>(
    `select m.id, m.size_bytes, b.raw from messages m join bodies b on b.message_id = m.id and b.day = m.body_day
     order by m.id desc limit 1`,
  );
  return row && { id: row.id, sizeBytes: row.size_bytes, raw: row.raw };
}

/** The newest message there is; undefined in an empty database. */
export async function newestMessage(db: Database): Promise<string | undefined> {
  const [row] = await db.query<{ id: string }>('select id from messages order by id desc limit 1');
  return row?.id;
}
