import type { Database } from '../adapters/postgres.ts';

/** One of Postal's webhooks whose meaning is not worked out yet. */
export interface StoredWebhook {
  readonly uuid: string;
  readonly event: string;
  readonly body: Buffer;
}

/** The oldest new webhooks, locked until the transaction ends; those that another worker has are passed over. */
export function lockNewWebhooks(db: Database, limit: number): Promise<readonly StoredWebhook[]> {
  return db.query<StoredWebhook & Record<string, unknown>>(
    `select uuid, event, body from postal_webhooks where state = 'new'
     order by received_at limit $1 for update skip locked`,
    [limit],
  );
}

/** How many of the new webhooks were stored in the last `ms`; counts no further than `limit`. */
export async function countNewSince(db: Database, ms: number, limit: number): Promise<number> {
  const [row] = await db.query<{ count: number }>(
    `select count(*)::integer as count from (
       select from postal_webhooks where state = 'new' and received_at > now() - $1 * interval '1 ms' limit $2
     ) as fresh`,
    [ms, limit],
  );
  return row?.count ?? 0;
}

/** Marks webhooks as worked out. */
export async function finishWebhooks(db: Database, uuids: readonly string[]): Promise<void> {
  await db.change(`update postal_webhooks set state = 'done' where uuid = any($1::uuid[])`, [uuids]);
}

/** A webhook that cannot be worked out, with the reason the operator sees. */
export interface Quarantined {
  readonly uuid: string;
  readonly reason: string;
}

/** Sets webhooks aside; they are listed and can be tried again, never dropped. */
export async function quarantineWebhooks(db: Database, webhooks: readonly Quarantined[]): Promise<void> {
  if (webhooks.length === 0) return;
  await db.change(
    `update postal_webhooks w set state = 'quarantined', reason = q.reason, attempts = attempts + 1
     from unnest($1::uuid[], $2::text[]) as q (uuid, reason) where w.uuid = q.uuid`,
    [webhooks.map(({ uuid }) => uuid), webhooks.map(({ reason }) => reason)],
  );
}

/** How many webhooks are new and how many lie in quarantine. */
export interface DigestFigures {
  readonly fresh: number;
  readonly quarantined: number;
}

/** Counts through the partial indexes. */
export async function digestFigures(db: Database): Promise<DigestFigures> {
  const [row] = await db.query<DigestFigures & Record<string, unknown>>(
    `select (select count(*)::integer from postal_webhooks where state = 'new') as fresh,
       (select count(*)::integer from postal_webhooks where state = 'quarantined') as quarantined`,
  );
  return row ?? { fresh: 0, quarantined: 0 };
}
