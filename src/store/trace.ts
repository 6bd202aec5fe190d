import type { Database } from '../adapters/postgres.ts';
import type { EventDetail, EventKind } from '../domain/event.ts';
import { messageState, type RecipientState } from '../domain/message.ts';

/** A message that a search found, with where it stands. */
export interface FoundMessage {
  readonly id: string;
  readonly state: RecipientState;
  readonly receivedAt: Date;
  readonly subject: string | null;
}

/**
 * The newest messages with this id (also one given when they were sent again), this Message-ID (in angle brackets or not), or this
 * recipient, at most `limit`. An address is found as it was written and in lower case.
 */
export async function searchMessages(
  db: Database,
  text: string,
  limit: number,
): Promise<readonly FoundMessage[]> {
  const bare = text.replace(/^<(.*)>$/, '$1');
  const rows = await db.query<Omit<FoundMessage, 'state'> & { states: RecipientState[] }>(search, [
    bare,
    bare.toLowerCase(),
    limit,
  ]);
  return rows.map(({ states, ...row }) => ({ ...row, state: messageState(states) }));
}

const search = `
with found as (
  select id from messages where id = $1
  union select message_id from message_aliases where alias = $1
  union (select id from messages where header_message_id = $1 order by id desc limit $3)
  union (select message_id from recipients where address = $1 order by message_id desc limit $3)
  union (select message_id from recipients where address = $2 order by message_id desc limit $3)
)
select m.id, m.received_at as "receivedAt", m.subject, array_agg(r.state) as states
from found join messages m using (id) join recipients r on r.message_id = m.id
group by m.id order by m.id desc limit $3`;

/** Everything that is stored of one message but its octets. */
export interface TracedMessage {
  readonly id: string;
  readonly receivedAt: Date;
  readonly storedAt: Date;
  readonly source: 'smtp' | 'http';
  readonly credentialId: string;
  /** Name of the API key or SMTP user; null when it is gone. */
  readonly credential: string | null;
  readonly client: { readonly name?: string; readonly address?: string };
  readonly mailFrom: string;
  readonly headerMessageId: string | null;
  readonly subject: string | null;
  readonly tag: string | null;
  readonly sizeBytes: number;
  readonly postalKey: string;
  readonly nextAttemptAt: Date | null;
  readonly leaseUntil: Date | null;
  readonly attempts: number;
  /** Ids that it was given when its client sent it again. */
  readonly aliases: readonly string[];
}

/** One message; undefined when there is none of this id. */
export async function findTraced(db: Database, id: string): Promise<TracedMessage | undefined> {
  const [row] = await db.query<TracedMessage & Record<string, unknown>>(
    `select m.id, m.received_at as "receivedAt", m.stored_at as "storedAt", m.source, m.credential_id as "credentialId",
       coalesce(k.name, u.username) as credential, m.client, m.mail_from as "mailFrom",
       m.header_message_id as "headerMessageId", m.subject, m.tag, m.size_bytes as "sizeBytes", m.postal_key as "postalKey",
       m.next_attempt_at as "nextAttemptAt", m.lease_until as "leaseUntil", m.attempts,
       array(select alias from message_aliases a where a.message_id = m.id order by alias) as aliases
     from messages m left join api_keys k on k.id = m.credential_id left join smtp_credentials u on u.id = m.credential_id
     where m.id = $1`,
    [id],
  );
  return row;
}

/** Where one recipient stands. */
export interface TracedRecipient {
  readonly address: string;
  readonly state: RecipientState;
  readonly detail: string | null;
  /** Postal's number for this copy; null while Postal does not have it as far as is known. */
  readonly postalId: number | null;
  readonly opens: number;
  readonly clicks: number;
  readonly changedAt: Date;
  /** The attempt that settled it last; null where none has. */
  readonly attemptId: string | null;
  readonly heldUntil: Date | null;
}

/** The recipients of a message in the order of its envelope. */
export function tracedRecipients(db: Database, id: string): Promise<readonly TracedRecipient[]> {
  return db.query<TracedRecipient & Record<string, unknown>>(
    `select address, state, detail, postal_id::float as "postalId", opens, clicks, changed_at as "changedAt",
       attempt_id as "attemptId", held_until as "heldUntil"
     from recipients where message_id = $1 order by position`,
    [id],
  );
}

/** An event, with the webhook of Postal that told of it where there was one and it is still kept. */
export interface TracedEvent {
  readonly kind: EventKind;
  readonly at: Date;
  readonly recipient: string | null;
  readonly detail: EventDetail;
  readonly postalUuid: string | null;
  readonly webhook: string | null;
  readonly webhookReceivedAt: Date | null;
}

/** What happened to a message, by the time of whom it happened to. */
export function tracedEvents(db: Database, id: string): Promise<readonly TracedEvent[]> {
  return db.query<TracedEvent & Record<string, unknown>>(
    `select e.kind, e.at, e.recipient, e.detail, e.postal_uuid as "postalUuid", w.event as webhook,
       w.received_at as "webhookReceivedAt"
     from events e left join postal_webhooks w on w.uuid = e.postal_uuid
     where e.message_id = $1 order by e.at, e.id`,
    [id],
  );
}

/** A webhook of Postal's that has changed nothing yet: a worker has still to read it, or it was set aside. */
export interface UnreadWebhook {
  readonly uuid: string;
  readonly event: string;
  readonly state: 'new' | 'quarantined';
  readonly reason: string | null;
  readonly receivedAt: Date;
}

/** Webhooks that name the message by its key and have not been read; looks through those that wait alone. */
export function unreadWebhooks(db: Database, postalKey: string): Promise<readonly UnreadWebhook[]> {
  return db.query<UnreadWebhook & Record<string, unknown>>(
    `select uuid, event, state, reason, received_at as "receivedAt" from postal_webhooks
     where state in ('new', 'quarantined') and position(convert_to($1, 'UTF8') in body) > 0 order by received_at`,
    [postalKey],
  );
}

/** A webhook to an endpoint of ours, with how that endpoint stands. */
export interface TracedDelivery {
  readonly id: string;
  readonly kind: EventKind;
  readonly recipient: string | null;
  readonly state: 'waiting' | 'delivered' | 'dead';
  readonly attempts: number;
  readonly lastStatus: number | null;
  readonly lastError: string | null;
  readonly createdAt: Date;
  readonly nextAttemptAt: Date | null;
  readonly deliveredAt: Date | null;
  readonly endpointId: string;
  readonly url: string;
  readonly pausedAt: Date | null;
  readonly disabledAt: Date | null;
  readonly disabledReason: string | null;
}

/** The webhooks about a message, oldest first. */
export function tracedDeliveries(db: Database, id: string): Promise<readonly TracedDelivery[]> {
  return db.query<TracedDelivery & Record<string, unknown>>(
    `select d.id, e.kind, e.recipient, d.state, d.attempts, d.last_status as "lastStatus", d.last_error as "lastError",
       d.created_at as "createdAt", d.next_attempt_at as "nextAttemptAt", d.delivered_at as "deliveredAt",
       w.id as "endpointId", w.url, w.paused_at as "pausedAt", w.disabled_at as "disabledAt",
       w.disabled_reason as "disabledReason"
     from events e join webhook_deliveries d on d.event_id = e.id join webhook_endpoints w on w.id = d.endpoint_id
     where e.message_id = $1 order by d.created_at, d.id`,
    [id],
  );
}
