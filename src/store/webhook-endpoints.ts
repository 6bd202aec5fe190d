import type { Database } from '../adapters/postgres.ts';
import type { Id } from '../domain/id.ts';

/** An endpoint as it is made; an empty list of events means all of them. */
export interface NewWebhookEndpoint {
  readonly id: Id<'whe'>;
  readonly url: string;
  readonly sealedSecret: Uint8Array;
  readonly events: readonly string[];
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

/** Removes an endpoint with what was still to be sent to it. False when there is none. */
export async function removeWebhookEndpoint(db: Database, id: string): Promise<boolean> {
  return (await db.change('delete from webhook_endpoints where id = $1', [id])) > 0;
}
