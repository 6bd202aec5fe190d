import type { Database } from '../adapters/postgres.ts';

/** Resolves when the database answers; rejects with the reason when it does not. */
export async function reachDatabase(db: Database): Promise<void> {
  await db.query('select 1');
}
