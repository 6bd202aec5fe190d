import type { Database } from '../adapters/postgres.ts';
import { messageState, type RecipientState } from '../domain/message.ts';
import type { Priority } from '../domain/priority.ts';
import { filterSql, filterValues, type QueueFilter } from './queue-filter.ts';

/** A message of the queue as the operator sees it. */
export interface QueuedMessage {
  readonly id: string;
  readonly state: RecipientState;
  readonly receivedAt: Date;
  /** When a worker may take it; null when it waits for an operator. */
  readonly nextAttemptAt: Date | null;
  readonly attempts: number;
  readonly credentialId: string;
  readonly mailFrom: string;
  readonly subject: string | null;
  readonly tag: string | null;
  readonly priority: Priority;
  readonly sizeBytes: number;
  readonly recipients: readonly QueuedRecipientRow[];
}

/** One recipient of a queued message. */
export interface QueuedRecipientRow {
  readonly address: string;
  readonly state: RecipientState;
  readonly detail: string | null;
  readonly heldUntil: string | null;
}

interface ListPage {
  readonly limit: number;
  /** The last id of the page before. */
  readonly after?: string | undefined;
}

/**
 * Messages that still need something: what was not handed over yet, what is held, and what Postal never took. By id, which is by age.
 * A filter with a state asks for that state alone.
 */
export async function listQueue(
  db: Database,
  filter: QueueFilter,
  { limit, after }: ListPage,
): Promise<readonly QueuedMessage[]> {
  const rows = await db.query<Omit<QueuedMessage, 'state'> & Record<string, unknown>>(listing, [
    ...filterValues(filter),
    limit,
    after ?? '',
  ]);
  return rows.map((row) => ({ ...row, state: messageState(row.recipients.map(({ state }) => state)) }));
}

/** One message with all its recipients; undefined when there is none. */
export async function showQueued(db: Database, id: string): Promise<QueuedMessage | undefined> {
  const [row] = await db.query<Omit<QueuedMessage, 'state'> & Record<string, unknown>>(
    `select ${columns} from messages m join recipients r on r.message_id = m.id where m.id = $1 group by m.id`,
    [id],
  );
  return row && { ...row, state: messageState(row.recipients.map(({ state }) => state)) };
}

const columns = `m.id, m.received_at as "receivedAt", m.next_attempt_at as "nextAttemptAt", m.attempts,
  m.credential_id as "credentialId", m.mail_from as "mailFrom", m.subject, m.tag, m.priority, m.size_bytes as "sizeBytes",
  jsonb_agg(
    jsonb_build_object('address', r.address, 'state', r.state, 'detail', r.detail, 'heldUntil', r.held_until) order by r.position
  ) as recipients`;

const listing = `
select ${columns} from messages m join recipients r on r.message_id = m.id
where m.id > $8 and ${filterSql}
  and ($5::text is not null or r.state in ('queued', 'scheduled', 'sending', 'uncertain', 'held')
    or (r.state = 'failed' and r.postal_id is null))
group by m.id order by m.id limit $7`;
