import type { Database } from '../adapters/postgres.ts';

/** Which PostgreSQL answers, such as 17.6. */
export async function postgresVersion(db: Database): Promise<string | undefined> {
  const [row] = await db.query<{ server_version: string }>('show server_version');
  return /^[\d.]+/.exec(row?.server_version ?? '')?.[0];
}
