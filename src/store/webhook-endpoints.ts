import type { Database } from '../adapters/postgres.ts';
import type { Id } from '../domain/id.ts';

/** An endpoint as it is made; an empty list of events means all of them. */
export interface NewWebhookEndpoint {
  readonly id: Id<'whe'>;
  readonly url: string;
  readonly sealedSecret: Uint8Array;
  readonly events: readonly string[];
}

/** An endpoint as it is listed; its secret stays sealed in the database. */
export interface WebhookEndpoint {
  readonly id: Id<'whe'>;
  readonly url: string;
  readonly events: readonly string[];
  readonly createdAt: Date;
  /** By an operator: what happens meanwhile waits. */
  readonly pausedAt: Date | undefined;
  readonly disabledAt: Date | undefined;
  readonly disabledReason: string | undefined;
}

interface Row extends Record<string, unknown> {
  readonly id: Id<'whe'>;
  readonly url: string;
  readonly events: string[];
  readonly created_at: Date;
  readonly paused_at: Date | null;
  readonly disabled_at: Date | null;
  readonly disabled_reason: string | null;
}

const columns = 'id, url, events, created_at, paused_at, disabled_at, disabled_reason';

/** All endpoints, oldest first. */
export async function listWebhookEndpoints(db: Database): Promise<readonly WebhookEndpoint[]> {
  return (await db.query<Row>(`select ${columns} from webhook_endpoints order by id`)).map(toEndpoint);
}

/** The endpoint with this id. */
export async function findWebhookEndpoint(db: Database, id: string): Promise<WebhookEndpoint | undefined> {
  const [row] = await db.query<Row>(`select ${columns} from webhook_endpoints where id = $1`, [id]);
  return row && toEndpoint(row);
}

/** Stores an endpoint; from now on it hears of what happens. */
export async function insertWebhookEndpoint(db: Database, endpoint: NewWebhookEndpoint): Promise<void> {
  await db.change('insert into webhook_endpoints (id, url, sealed_secret, events) values ($1, $2, $3, $4)', [
    endpoint.id,
    endpoint.url,
    Buffer.from(endpoint.sealedSecret),
    endpoint.events,
  ]);
}

const removedAtOnce = 10_000;

/**
 * Removes an endpoint with what was still to be sent to it, which after days of silence can be more than one statement may take: it hears of
 * nothing any more, then goes what it was to hear, a part at a time. False when there is none.
 */
export async function removeWebhookEndpoint(db: Database, id: string): Promise<boolean> {
  await db.change(
    `update webhook_endpoints set disabled_at = coalesce(disabled_at, now()), disabled_reason = 'it is being removed' where id = $1`,
    [id],
  );
  for (let removed = removedAtOnce; removed >= removedAtOnce;)
    removed = await db.change(
      `delete from webhook_deliveries where ctid = any(array(select ctid from webhook_deliveries where endpoint_id = $1 limit ${removedAtOnce}))`,
      [id],
    );
  return (await db.change('delete from webhook_endpoints where id = $1', [id])) > 0;
}

/** Keeps webhooks to an endpoint back; they wait, and none is lost. */
export async function pauseWebhookEndpoint(db: Database, id: string): Promise<void> {
  await db.change('update webhook_endpoints set paused_at = coalesce(paused_at, now()) where id = $1', [id]);
}

/** Lets webhooks go to an endpoint again, also to one that was disabled because it answered 410. */
export async function resumeWebhookEndpoint(db: Database, id: string): Promise<void> {
  await db.change(
    'update webhook_endpoints set paused_at = null, disabled_at = null, disabled_reason = null where id = $1',
    [id],
  );
}

/** The sealed secret that signs first. */
export async function findSealedSecret(db: Database, id: string): Promise<Uint8Array | undefined> {
  const [row] = await db.query<{ sealed: Buffer }>(
    'select sealed_secret as sealed from webhook_endpoints where id = $1',
    [id],
  );
  return row?.sealed;
}

/** Signs with a new secret too, up to its end; the one before goes on signing beside it. */
export async function replaceSealedSecret(
  db: Database,
  id: string,
  { sealed, expiresAt }: { readonly sealed: Uint8Array; readonly expiresAt: Date | undefined },
): Promise<void> {
  await db.change(
    `update webhook_endpoints set sealed_previous_secret = sealed_secret, previous_expires_at = secret_expires_at,
       sealed_secret = $2, secret_expires_at = $3 where id = $1`,
    [id, Buffer.from(sealed), expiresAt],
  );
}

/** Signs with the newest secret alone. */
export async function dropPreviousSecret(db: Database, id: string): Promise<void> {
  await db.change('update webhook_endpoints set sealed_previous_secret = null where id = $1', [id]);
}

function toEndpoint({ created_at, paused_at, disabled_at, disabled_reason, ...row }: Row): WebhookEndpoint {
  return {
    ...row,
    createdAt: created_at,
    pausedAt: paused_at ?? undefined,
    disabledAt: disabled_at ?? undefined,
    disabledReason: disabled_reason ?? undefined,
  };
}
