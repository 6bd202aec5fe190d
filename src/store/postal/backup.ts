import type { MariadbSession } from '../../adapters/mariadb.ts';
import type { TableRows } from '../../domain/backup-set.ts';
import { quoted } from './quoted.ts';
import type { PostalDatabases } from './mail-server.ts';

type Names = Pick<PostalDatabases, 'main' | 'messagePrefix'>;

/** Postal's main database and every mail server's, as they are there now; the main one first. */
export async function postalDatabaseNames(
  session: MariadbSession,
  { main, messagePrefix }: Names,
): Promise<readonly string[]> {
  const rows = await session.query<{ name: string }>(
    'select schema_name as name from information_schema.schemata order by schema_name',
  );
  const names = rows.map(({ name }) => name);
  const ofServers = names.filter((name) => isMessageDatabase(name, messagePrefix));
  return [...names.filter((name) => name === main), ...ofServers];
}

/** True for `PREFIX-server-N`. */
function isMessageDatabase(name: string, prefix: string): boolean {
  return name.startsWith(`${prefix}-server-`) && /^\d+$/.test(name.slice(prefix.length + '-server-'.length));
}

/** The server's version, such as `11.8.3`. */
export async function mariadbVersion(session: MariadbSession): Promise<string> {
  const [row] = await session.query<{ version: string }>('select version() as version');
  return /^\d+(\.\d+)*/.exec(row?.version ?? '')?.[0] ?? 'unknown';
}

/**
 * Lets nobody write until `unlockTables`; waits at most `waitMs` for statements that run. MariaDB ends a session that holds the lock and says
 * nothing for twice that: it cannot know of one that was cut off, and would keep the lock for eight hours.
 */
export async function lockTables(session: MariadbSession, waitMs: number): Promise<void> {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  await session.command(`set session lock_wait_timeout = ${seconds}, wait_timeout = ${2 * seconds}`);
  await session.command('flush tables with read lock');
}

/** Lets everybody write again, and the session rest for as long as it did before. Throws when MariaDB has ended it, and the lock with it. */
export async function unlockTables(session: MariadbSession): Promise<void> {
  await session.command('unlock tables');
  await session.command('set session wait_timeout = default');
}

/** Where the binlog stood at the moment of a snapshot: `FILE:POSITION`, and the GTID where there is one; or why there is no such place. */
export interface BinlogPlace {
  readonly position: string | null;
  readonly noPosition?: string;
}

/** Reads from now on as of now, and says where the binlog stood at that very moment. */
export async function beginMariadbSnapshot(session: MariadbSession): Promise<BinlogPlace> {
  await session.command('set session transaction isolation level repeatable read');
  await session.command('start transaction with consistent snapshot');
  const rows = await session.query<{ Variable_name: string; Value: string }>(
    `show status like 'binlog_snapshot_%'`,
  );
  const values = new Map(rows.map((row) => [row.Variable_name.toLowerCase(), row.Value]));
  const [file, at] = [values.get('binlog_snapshot_file') ?? '', values.get('binlog_snapshot_position') ?? ''];
  if (file === '') return { position: null, noPosition: 'MariaDB writes no binlog (log_bin is off)' };
  const [row] = await session.query<{ gtid: string | null }>('select binlog_gtid_pos(?, ?) as gtid', [
    file,
    Number(at),
  ]);
  return { position: row?.gtid ? `${file}:${at} gtid ${row.gtid}` : `${file}:${at}` };
}

/** Rows of every table of these databases, as the session sees them. */
export async function countPostalRows(
  session: MariadbSession,
  databases: readonly string[],
): Promise<readonly TableRows[]> {
  const counted: TableRows[] = [];
  for (const database of databases) {
    for (const table of await tablesIn(session, database)) {
      const [row] = await session.query<{ rows: number }>(
        `select count(*) as \`rows\` from ${quoted(database)}.${quoted(table)}`,
      );
      counted.push({ database, table, rows: Number(row?.rows ?? 0) });
    }
  }
  return counted;
}

/** Names of a database's tables, sorted. */
async function tablesIn(session: MariadbSession, database: string): Promise<readonly string[]> {
  const rows = await session.query<{ name: string }>(
    `select table_name as name from information_schema.tables
     where table_schema = ? and table_type = 'BASE TABLE' order by table_name`,
    [database],
  );
  return rows.map(({ name }) => name);
}
