import type { Database } from '../adapters/postgres.ts';

/** Up to which of Postal's times its databases have been compared; null before the first comparison. */
export async function comparedUntil(db: Database): Promise<Date | null> {
  const [row] = await db.query<{ until: Date | null }>('select compared_until as until from reconciliation');
  return row?.until ?? null;
}

/** Takes the next comparison on, when it is due, so that one worker makes it. Another is due after `intervalMs`. */
export async function claimReconciliation(db: Database, intervalMs: number): Promise<boolean> {
  const claimed = await db.change(
    `update reconciliation set next_at = now() + $1 * interval '1 ms' where next_at <= now()`,
    [intervalMs],
  );
  return claimed > 0;
}

/** Gives a comparison back that could not be made, or not to its end: it is due again at once. */
export async function giveReconciliationBack(db: Database): Promise<void> {
  await db.change('update reconciliation set next_at = now()');
}

/** Notes how far a comparison came. */
export async function noteCompared(db: Database, until: Date): Promise<void> {
  await db.change('update reconciliation set compared_until = $1', [until]);
}

/** Those of the uuids of webhooks that neither are recorded nor wait to be worked out. */
export async function unknownWebhooks(db: Database, uuids: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await db.query<{ uuid: string }>(
    `select uuid from unnest($1::uuid[]) as asked (uuid)
     where not exists (select from events where postal_uuid = asked.uuid)
       and not exists (select from postal_webhooks w where w.uuid = asked.uuid)`,
    [uuids],
  );
  return new Set(rows.map(({ uuid }) => uuid));
}

/** A recipient that Postal took and has not settled, as far as is known. */
export interface OpenAtPostal {
  readonly messageId: string;
  readonly position: number;
  readonly postalId: number;
}

interface Page {
  readonly after: Pick<OpenAtPostal, 'messageId' | 'position'>;
  readonly olderThanMs: number;
  readonly limit: number;
}

/** Recipients that are accepted or delayed since longer than `olderThanMs`, a page in the order of message and position. */
export function openAtPostal(
  db: Database,
  { after, olderThanMs, limit }: Page,
): Promise<readonly OpenAtPostal[]> {
  return db.query<OpenAtPostal & Record<string, unknown>>(
    `select message_id as "messageId", position, postal_id::float as "postalId" from recipients
     where state in ('accepted', 'delayed') and postal_id is not null and changed_at < now() - $3 * interval '1 ms'
       and (message_id, position) > ($1, $2)
     order by message_id, position limit $4`,
    [after.messageId, after.position, olderThanMs, limit],
  );
}
