import type { Database } from '../adapters/postgres.ts';

/** What a new epoch begins with. */
interface Beginning {
  /** True where Postal was put back to an earlier state as well: it may have forgotten what it sent. */
  readonly postalRestored: boolean;
}

/**
 * Begins a new epoch, after a restore or a promotion: each recipient of a message that was received until now and is not final is
 * looked up at Postal before it is sent to, and held if a restored Postal does not have it. Returns when it began. Once is enough; again
 * only makes more be looked up.
 */
export async function beginEpoch(
  db: Database,
  { postalRestored }: Beginning = { postalRestored: false },
): Promise<Date> {
  const [row] = await db.query<{ began: Date }>(
    `with at as (select greatest(now(), (select max(stored_at) from messages)) as began)
     update sending set epoch_began_at = began, postal_restored_at = case when $1 then began else postal_restored_at end
     from at returning epoch_began_at as began`,
    [postalRestored],
  );
  if (!row) throw new Error('the table sending has lost its row');
  return row.began;
}

interface LookedUp {
  readonly messageId: string;
  readonly attemptId: string;
  readonly positions: readonly number[];
}

/** Notes that Postal was asked about recipients, while their message is still held by this attempt. */
export async function noteLookUp(db: Database, { messageId, attemptId, positions }: LookedUp): Promise<void> {
  await db.change(
    `update recipients r set looked_up_at = now() from messages m
     where m.id = $1 and m.attempt_id = $2 and r.message_id = m.id and r.position = any($3::integer[])`,
    [messageId, attemptId, positions],
  );
}
