import type { Database } from '../adapters/postgres.ts';
import { type Event, eventKinds, type Told } from '../domain/event.ts';
import type { Id } from '../domain/id.ts';
import { type MessageLabel, webhookBody, webhookType } from '../domain/webhook-body.ts';
import { insertWebhookDeliveries, type Subscription, subscriptions } from './webhook-deliveries.ts';

/**
 * Records events and, in the same transaction, a delivery for each endpoint that wants one. An event whose id or whose uuid of
 * Postal's is there already, or whose message is not, is left out. Returns the ids that were new.
 */
export async function recordEvents(
  db: Database,
  events: readonly Event[],
  newDeliveryId: () => Id<'whd'>,
): Promise<ReadonlySet<string>> {
  if (events.length === 0) return new Set();
  const inserted = await db.query<{ id: string }>(insertion, [
    events.map(({ id }) => id),
    events.map(({ messageId }) => messageId),
    events.map(({ recipient }) => recipient),
    events.map(({ kind }) => kind),
    events.map(({ at }) => at),
    events.map(({ postalUuid }) => postalUuid),
    events.map(({ detail }) => JSON.stringify(detail)),
    events.map(({ derivedFrom }) => derivedFrom),
  ]);
  const fresh = new Set(inserted.map(({ id }) => id));
  await tell(
    db,
    events.filter((event) => fresh.has(event.id) && eventKinds[event.kind].told),
    newDeliveryId,
  );
  return fresh;
}

const insertion = `
insert into events (id, message_id, recipient, kind, at, postal_uuid, detail, derived_from)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::uuid[], $7::jsonb[], $8::text[])
  as e (id, message_id, recipient, kind, at, postal_uuid, detail, derived_from)
where exists (select from messages m where m.id = e.message_id)
on conflict do nothing
returning id`;

async function tell(db: Database, events: readonly Event[], newDeliveryId: () => Id<'whd'>): Promise<void> {
  const wanted = wantedBy(await subscriptions(db), events);
  if (wanted.length === 0) return;
  const labels = await labelsOf(db, [...new Set(wanted.map(({ event }) => event.messageId))]);
  await insertWebhookDeliveries(
    db,
    wanted.flatMap(({ endpointId, event }) => {
      const label = labels.get(event.messageId);
      return label
        ? [{ id: newDeliveryId(), endpointId, eventId: event.id, body: webhookBody(event, label) }]
        : [];
    }),
  );
}

function wantedBy(endpoints: readonly Subscription[], events: readonly Event[]) {
  return endpoints.flatMap((endpoint) =>
    events
      .filter((event) => endpoint.events.length === 0 || endpoint.events.includes(webhookType(event)))
      .map((event) => ({ endpointId: endpoint.id, event })),
  );
}

async function labelsOf(db: Database, ids: readonly string[]): Promise<ReadonlyMap<string, MessageLabel>> {
  const rows = await db.query<MessageLabel & Record<string, unknown>>(
    `select id, header_message_id as "headerMessageId", subject, tag, metadata from messages where id = any($1::text[])`,
    [ids],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

/** One recipient of one message, as events name it. */
export interface EventOwner {
  readonly messageId: string;
  readonly recipient: string;
}

/** Everything Postal ever told of these recipients, by `ownerKey`. */
export async function toldOf(
  db: Database,
  owners: readonly EventOwner[],
): Promise<ReadonlyMap<string, readonly ToldDetail[]>> {
  const rows = await db.query<EventOwner & ToldDetail & Record<string, unknown>>(
    `select e.message_id as "messageId", e.recipient, e.kind, e.at, e.postal_uuid as uuid, e.detail, e.derived_from as "derivedFrom", e.id
     from unnest($1::text[], $2::text[]) as o (message_id, recipient)
     join events e on e.message_id = o.message_id and e.recipient = o.recipient
     where e.postal_uuid is not null`,
    [owners.map(({ messageId }) => messageId), owners.map(({ recipient }) => recipient)],
  );
  return byOwner(rows);
}

function byOwner(rows: readonly (EventOwner & ToldDetail)[]): ReadonlyMap<string, readonly ToldDetail[]> {
  const told = new Map<string, ToldDetail[]>();
  for (const row of rows) {
    const key = ownerKey(row);
    const known = told.get(key);
    if (known) known.push(row);
    else told.set(key, [row]);
  }
  return told;
}

/** What Postal told, with its facts. */
export type ToldDetail = Told & Pick<Event, 'detail' | 'id'> & { readonly derivedFrom: string | null };

/** A derived event that a webhook now tells of. */
export interface Confirmation {
  readonly id: string;
  readonly postalUuid: string;
  readonly at: Date;
  readonly detail: Event['detail'];
}

/** Makes derived events the ones that their webhooks tell of: nobody hears of them twice. One whose uuid is known already stays. */
export async function confirmEvents(db: Database, confirmations: readonly Confirmation[]): Promise<number> {
  if (confirmations.length === 0) return 0;
  return db.change(
    `update events e set postal_uuid = c.uuid, at = c.at, detail = c.detail, derived_from = null
     from unnest($1::text[], $2::uuid[], $3::timestamptz[], $4::jsonb[]) as c (id, uuid, at, detail)
     where e.id = c.id and e.derived_from is not null and not exists (select from events k where k.postal_uuid = c.uuid)`,
    [
      confirmations.map(({ id }) => id),
      confirmations.map(({ postalUuid }) => postalUuid),
      confirmations.map(({ at }) => at),
      confirmations.map(({ detail }) => JSON.stringify(detail)),
    ],
  );
}

/** Those of Postal's uuids that are recorded. */
export async function knownUuids(db: Database, uuids: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await db.query<{ uuid: string }>(
    'select postal_uuid as uuid from events where postal_uuid = any($1::uuid[])',
    [uuids],
  );
  return new Set(rows.map(({ uuid }) => uuid));
}

/** Derived events of these recipients, by `ownerKey`; few have any. */
export async function derivedOf(
  db: Database,
  owners: readonly EventOwner[],
): Promise<ReadonlyMap<string, readonly ToldDetail[]>> {
  const rows = await db.query<EventOwner & ToldDetail & Record<string, unknown>>(
    `select message_id as "messageId", recipient, kind, at, postal_uuid as uuid, detail, derived_from as "derivedFrom", id
     from events where derived_from is not null and message_id = any($1::text[])`,
    [owners.map(({ messageId }) => messageId)],
  );
  return byOwner(rows);
}

/** The key of a recipient in `toldOf`'s answer. */
export function ownerKey({ messageId, recipient }: EventOwner): string {
  return `${messageId} ${recipient}`;
}
