import type { Database } from '../adapters/postgres.ts';
import type { Id } from '../domain/id.ts';
import type { Priority } from '../domain/priority.ts';
import type { Submission } from '../domain/submission.ts';
import { oneBehindAnother } from './adjoining.ts';
import type { UnsubscribeWish } from '../domain/unsubscribe.ts';

/** A submission with what the database keeps beside its octets. */
export interface NewMessage {
  readonly submission: Submission;
  /** 20 letters: the local part of the mail_from that Postal indexes and echoes. */
  readonly postalKey: string;
  readonly headerMessageId: string | undefined;
  readonly subject: string | undefined;
  readonly tag: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  /** Normal where nothing is said. */
  readonly priority?: Priority | undefined;
  /** What `wishUnsubscribe` writes down. */
  readonly unsubscribe?: UnsubscribeWish | undefined;
  /** Not handed to Postal before. */
  readonly sendAt: Date | undefined;
  /** Another message that its client had given the same Message-ID or X-Idempotency-Key. */
  readonly sameNameAs?: Id<'msg'> | undefined;
}

/**
 * Stores messages with recipients and bodies, in one statement: all of it or nothing. Returns the ids that were new; one that is there
 * already stays as it is. That a message was received is told by its row: it is an event of its own only where more is to be said of it.
 */
export async function insertSubmissions(
  db: Database,
  batch: readonly NewMessage[],
): Promise<readonly Id<'msg'>[]> {
  const messages = [...new Map(batch.map((message) => [message.submission.id, message])).values()];
  if (messages.length === 0) return [];
  const bodies = oneBehindAnother(messages.map(({ submission }) => submission.raw));
  const rows = await db.query<{ id: Id<'msg'> }>(insertion, [
    ...columnsOf(messages, bodies.starts),
    ...recipientColumns(messages),
    bodies.octets,
    ...warningColumns(messages),
  ]);
  return rows.map((row) => row.id);
}

// The bodies travel as one binary value and are cut apart by the database: arrays of bytea would go as text, twice the size. A body
// may outlive its message (each has its own retention); the message that comes again is no conflict with it.
const insertion = `
with input as (
  select * from unnest(
    $1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::jsonb[], $6::text[], $7::text[], $8::text[], $9::text[], $10::jsonb[],
    $11::integer[], $12::integer[], $13::text[], $14::timestamptz[], $15::text[]
  ) as t (id, received_at, source, credential_id, client, mail_from, header_message_id, subject, tag, metadata,
    size_bytes, body_start, postal_key, send_at, priority)
), stored as (
  insert into messages (id, received_at, source, credential_id, client, mail_from, header_message_id, subject, tag, metadata,
    size_bytes, body_day, postal_key, next_attempt_at, priority)
  select id, received_at, source, credential_id, client, mail_from, header_message_id, subject, tag, metadata,
    size_bytes, (now() at time zone 'UTC')::date, postal_key, coalesce(send_at, least(received_at, now())), priority
  from input
  on conflict (id) do nothing
  returning id, body_day
), stored_bodies as (
  insert into bodies (message_id, day, raw)
  select id, body_day, substring($19::bytea from body_start + 1 for size_bytes) from stored join input using (id)
  on conflict (message_id, day) do nothing
), stored_recipients as (
  insert into recipients (message_id, position, address, state)
  select r.id, r.position, r.address, case when input.send_at is null then 'queued' else 'scheduled' end
  from unnest($16::text[], $17::integer[], $18::text[]) as r (id, position, address) join stored using (id) join input using (id)
), stored_events as (
  insert into events (id, message_id, kind, at, detail)
  select w.event_id, w.id, 'received', received_at, w.detail
  from unnest($20::text[], $21::text[], $22::jsonb[]) as w (id, event_id, detail) join stored using (id) join input using (id)
)
select id from stored`;

/** The id of the event that a message was received, kept or not. */
export function receptionEventId(id: Id<'msg'>): Id<'evt'> {
  return `evt_${id.slice('msg_'.length)}`;
}

function warningColumns(messages: readonly NewMessage[]): readonly (readonly unknown[])[] {
  const warning = 'its client had given another message the same name';
  const warned = messages.filter(({ sameNameAs }) => sameNameAs !== undefined);
  return [
    warned.map(({ submission }) => submission.id),
    warned.map(({ submission }) => receptionEventId(submission.id)),
    warned.map(({ submission: { source }, sameNameAs }) =>
      JSON.stringify({ source, warning, same_name_as: sameNameAs }),
    ),
  ];
}

function columnsOf(
  messages: readonly NewMessage[],
  bodyStarts: readonly number[],
): readonly (readonly unknown[])[] {
  const of = (pick: (message: NewMessage) => unknown) => messages.map(pick);
  return [
    of(({ submission }) => submission.id),
    of(({ submission }) => submission.receivedAt.toISOString()),
    of(({ submission }) => submission.source),
    of(({ submission }) => submission.credentialId),
    of(({ submission }) => JSON.stringify(submission.client)),
    of(({ submission }) => submission.envelope.mailFrom),
    of((message) => message.headerMessageId),
    of((message) => message.subject),
    of((message) => message.tag),
    of((message) => JSON.stringify(message.metadata)),
    of(({ submission }) => submission.raw.length),
    bodyStarts,
    of((message) => message.postalKey),
    of((message) => message.sendAt?.toISOString()),
    of((message) => message.priority ?? 'normal'),
  ];
}

function recipientColumns(messages: readonly NewMessage[]): readonly (readonly unknown[])[] {
  const recipients = messages.flatMap(({ submission }) =>
    [...new Set(submission.envelope.rcptTo)].map((address, position) => ({
      id: submission.id,
      position,
      address,
    })),
  );
  return [
    recipients.map(({ id }) => id),
    recipients.map(({ position }) => position),
    recipients.map(({ address }) => address),
  ];
}
