import type { Database } from '../adapters/postgres.ts';
import type { EventKind } from '../domain/event.ts';
import { type Id, leastId } from '../domain/id.ts';
import type { Priority } from '../domain/priority.ts';
import { messageState, type RecipientState } from '../domain/message.ts';
import { type Given, given } from './given.ts';
import { receptionEventId } from './messages.ts';

/** A message as a reader sees it, without its octets. */
export interface MessageView {
  readonly id: Id<'msg'>;
  readonly state: RecipientState;
  readonly receivedAt: Date;
  readonly source: string;
  readonly mailFrom: string;
  readonly headerMessageId: string | undefined;
  readonly subject: string | undefined;
  readonly tag: string | undefined;
  readonly priority: Priority;
  readonly metadata: Readonly<Record<string, string>>;
  readonly sizeBytes: number;
  readonly recipients: readonly RecipientView[];
}

export interface RecipientView {
  readonly address: string;
  readonly state: RecipientState;
  readonly detail: string | undefined;
  readonly opens: number;
  readonly clicks: number;
  readonly changedAt: Date;
}

/** One line of a message's timeline. */
export interface EventView {
  readonly id: Id<'evt'>;
  readonly kind: EventKind;
  readonly at: Date;
  readonly recipient: string | undefined;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** All conditions must hold; a message is in a state when one of its recipients is. Times are those in the ids. */
export interface MessageFilter {
  readonly state: RecipientState | undefined;
  readonly recipient: string | undefined;
  readonly tag: string | undefined;
  readonly headerMessageId: string | undefined;
  readonly since: Date | undefined;
  readonly until: Date | undefined;
}

interface MessageRow extends Record<string, unknown> {
  readonly id: Id<'msg'>;
  readonly received_at: Date;
  readonly source: string;
  readonly mail_from: string;
  readonly header_message_id: string | null;
  readonly subject: string | null;
  readonly tag: string | null;
  readonly priority: Priority;
  readonly metadata: Record<string, string>;
  readonly size_bytes: number;
}

interface RecipientRow extends Record<string, unknown> {
  readonly message_id: string;
  readonly address: string;
  readonly state: RecipientState;
  readonly detail: string | null;
  readonly opens: number;
  readonly clicks: number;
  readonly changed_at: Date;
}

interface EventRow extends Record<string, unknown> {
  readonly id: Id<'evt'>;
  readonly kind: EventKind;
  readonly at: Date;
  readonly recipient: string | null;
  readonly detail: Record<string, unknown>;
}

const columns =
  'id, received_at, source, mail_from, header_message_id, subject, tag, priority, metadata, size_bytes';

/** One message with its recipients in the order of the envelope; an alias leads to the message that was sent first. */
export async function findMessage(db: Database, id: string): Promise<MessageView | undefined> {
  const rows = await db.query<MessageRow>(
    `select ${columns} from messages
     where id = coalesce((select message_id from message_aliases where alias = $1), $1)`,
    [id],
  );
  const [view] = await withRecipients(db, rows);
  return view;
}

/** Messages before the id `before` (a cursor), newest first, at most `limit`. */
export async function listMessages(
  db: Database,
  filter: MessageFilter,
  { before, limit }: { readonly before: string | undefined; readonly limit: number },
): Promise<readonly MessageView[]> {
  const { conditions, values } = given(wantedBy(filter, before));
  const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;
  const rows = await db.query<MessageRow>(
    `select ${columns} from messages ${where} order by id desc limit $${values.length + 1}`,
    [...values, limit],
  );
  return withRecipients(db, rows);
}

function wantedBy(
  { state, recipient, tag, headerMessageId, since, until }: MessageFilter,
  before: string | undefined,
): readonly Given[] {
  return [
    [before, (place) => `id < ${place}`],
    [state, (place) => `exists (select from recipients where message_id = messages.id and state = ${place})`],
    [recipient, (place) => `id in (select message_id from recipients where address = ${place})`],
    [tag, (place) => `tag = ${place}`],
    [headerMessageId, (place) => `header_message_id = ${place}`],
    [since && leastId('msg', since), (place) => `id >= ${place}`],
    [until && leastId('msg', until), (place) => `id < ${place}`],
  ];
}

/** What happened to a message, in the order it happened: first that it was received, which its row tells. */
export async function listEvents(db: Database, messageId: Id<'msg'>): Promise<readonly EventView[]> {
  const rows = await db.query<EventRow>(
    `select $2 as id, 'received' as kind, received_at as at, null as recipient, jsonb_build_object('source', source) as detail
     from messages where id = $1 and not exists (select from events where message_id = $1 and kind = 'received')
     union all select id, kind, at, recipient, detail from events where message_id = $1`,
    [messageId, receptionEventId(messageId)],
  );
  const place = ({ at, kind, id }: EventRow) => `${at.toISOString()} ${Number(kind !== 'received')} ${id}`;
  return rows
    .toSorted((one, other) => (place(one) < place(other) ? -1 : 1))
    .map((row) => ({ ...row, recipient: row.recipient ?? undefined }));
}

async function withRecipients(db: Database, rows: readonly MessageRow[]): Promise<readonly MessageView[]> {
  if (rows.length === 0) return [];
  const recipients = await db.query<RecipientRow>(
    `select message_id, address, state, detail, opens, clicks, changed_at from recipients
     where message_id = any($1) order by message_id, position`,
    [rows.map(({ id }) => id)],
  );
  return rows.map((row) =>
    toView(
      row,
      recipients.filter(({ message_id }) => message_id === row.id),
    ),
  );
}

function toView(row: MessageRow, recipients: readonly RecipientRow[]): MessageView {
  return {
    id: row.id,
    state: messageState(recipients.map(({ state }) => state)),
    receivedAt: row.received_at,
    source: row.source,
    mailFrom: row.mail_from,
    headerMessageId: row.header_message_id ?? undefined,
    subject: row.subject ?? undefined,
    tag: row.tag ?? undefined,
    priority: row.priority,
    metadata: row.metadata,
    sizeBytes: row.size_bytes,
    recipients: recipients.map(({ address, state, detail, opens, clicks, changed_at }) => ({
      address,
      state,
      detail: detail ?? undefined,
      opens,
      clicks,
      changedAt: changed_at,
    })),
  };
}
