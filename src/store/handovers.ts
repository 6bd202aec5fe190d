import type { Database } from '../adapters/postgres.ts';

/** How far the hand-over of a message's first recipient to Postal has come. */
export interface Handover {
  readonly state: string;
  readonly detail: string | undefined;
  readonly attempts: number;
  readonly postalId: string | undefined;
}

interface Row extends Record<string, unknown> {
  readonly state: string;
  readonly detail: string | null;
  readonly attempts: number;
  readonly postal_id: string | null;
}

/** The hand-over of a message; undefined when there is no such message. */
export async function findHandover(db: Database, messageId: string): Promise<Handover | undefined> {
  const [row] = await db.query<Row>(
    `select r.state, r.detail, m.attempts, r.postal_id
     from messages m join recipients r on r.message_id = m.id
     where m.id = $1 order by r.position limit 1`,
    [messageId],
  );
  return (
    row && {
      state: row.state,
      detail: row.detail ?? undefined,
      attempts: row.attempts,
      postalId: row.postal_id ?? undefined,
    }
  );
}

/** The octets of a webhook of Postal that made a message delivered. */
export async function findDeliveryWebhook(db: Database, messageId: string): Promise<Uint8Array | undefined> {
  const [row] = await db.query<{ body: Uint8Array }>(
    `select w.body from events e join postal_webhooks w on w.uuid = e.postal_uuid
     where e.message_id = $1 and e.kind = 'delivered' limit 1`,
    [messageId],
  );
  return row?.body;
}
