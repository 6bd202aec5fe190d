import type { MariadbSession } from '../../adapters/mariadb.ts';
import { quoted } from './quoted.ts';

/** The newest migration of Postal's main database and how many there were, as Rails writes them down; `none` where there is no such table. */
export async function postalSchema(session: MariadbSession, main: string): Promise<string> {
  const [table] = await session.query(
    `select table_name from information_schema.tables where table_schema = ? and table_name = 'schema_migrations'`,
    [main],
  );
  if (!table) return 'none';
  const [row] = await session.query<{ newest: string | null; count: number }>(
    `select max(version) as newest, count(*) as count from ${quoted(main)}.schema_migrations`,
  );
  return row?.newest ? `${row.newest} (${row.count})` : 'none';
}
