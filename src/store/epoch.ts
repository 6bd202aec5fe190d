import type { Database } from '../adapters/postgres.ts';

/**
 * Begins a new epoch, after a restore or a promotion: each recipient of a message that was received until now and is not final is
 * looked up at Postal before it is sent to. Returns when it began. Once is enough; again only makes more be looked up.
 */
export async function beginEpoch(db: Database): Promise<Date> {
  const [row] = await db.query<{ began: Date }>(
    `update sending set epoch_began_at = greatest(now(), (select max(stored_at) from messages)) returning epoch_began_at as began`,
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
