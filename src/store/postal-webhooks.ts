import type { Database } from '../adapters/postgres.ts';

/** One of Postal's webhooks whose signature was proven, exactly as it came. */
export interface ReceivedWebhook {
  readonly uuid: string;
  readonly event: string;
  readonly body: Uint8Array;
  /** Set when it is genuine but cannot be understood: it is kept for the operator instead of the worker. */
  readonly quarantined: string | undefined;
}

/** Stores webhooks in one statement and returns the uuids that were new; a known uuid changes nothing. */
export async function insertPostalWebhooks(
  db: Database,
  webhooks: readonly ReceivedWebhook[],
): Promise<ReadonlySet<string>> {
  let end = 0;
  const starts = webhooks.map(({ body }) => (end += body.length) - body.length);
  const rows = await db.query<{ uuid: string }>(insertion, [
    webhooks.map(({ uuid }) => uuid),
    webhooks.map(({ event }) => event),
    webhooks.map(({ quarantined }) => quarantined),
    starts,
    webhooks.map(({ body }) => body.length),
    Buffer.concat(webhooks.map(({ body }) => body)),
  ]);
  return new Set(rows.map(({ uuid }) => uuid));
}

const insertion = `
insert into postal_webhooks (uuid, event, body, state, reason)
select uuid, event, substring($6::bytea from start + 1 for size),
  case when reason is null then 'new' else 'quarantined' end, reason
from unnest($1::uuid[], $2::text[], $3::text[], $4::integer[], $5::integer[]) as t (uuid, event, reason, start, size)
on conflict (uuid) do nothing
returning uuid`;
