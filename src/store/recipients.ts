import type { Database } from '../adapters/postgres.ts';
import type { Settlement } from '../domain/delivery.ts';
import type { RecipientState } from '../domain/message.ts';

/** How recipients of one attempt fared. */
export interface Settled {
  readonly messageId: string;
  readonly attemptId: string;
  readonly settlements: readonly Settlement[];
}

/**
 * Writes down how recipients fared and returns those it changed, by `recipientKey`. One that a webhook of Postal's settled first keeps
 * its state, and only learns Postal's name for it. Doing it again changes nothing. Locks the messages, in the order of their ids, until
 * the transaction ends.
 */
export async function settleRecipients(
  within: Database,
  settled: readonly Settled[],
): Promise<ReadonlySet<string>> {
  await within.query('select from messages where id = any($1::text[]) order by id for no key update', [
    settled.map(({ messageId }) => messageId),
  ]);
  const all = settled.flatMap(({ messageId, attemptId, settlements }) =>
    settlements.map((one) => ({ ...one, messageId, attemptId })),
  );
  if (all.length === 0) return new Set();
  const rows = await within.query<{ messageId: string; position: number }>(settlement, [
    all.map(({ messageId }) => messageId),
    all.map(({ attemptId }) => attemptId),
    all.map(({ position }) => position),
    all.map(({ state }) => state),
    all.map(({ name }) => name?.id),
    all.map(({ name }) => name?.token),
    all.map(({ detail }) => detail),
  ]);
  return new Set(rows.map(({ messageId, position }) => recipientKey(messageId, position)));
}

/** Names a recipient in the answer of `settleRecipients`. */
export function recipientKey(messageId: string, position: number): string {
  return `${messageId} ${position}`;
}

const settlement = `
with settled as (
  select * from unnest($1::text[], $2::text[], $3::integer[], $4::text[], $5::bigint[], $6::text[], $7::text[])
    as s (message_id, attempt_id, position, state, postal_id, postal_token, detail)
), named as (
  update recipients r set postal_id = s.postal_id, postal_token = s.postal_token
  from settled s
  where r.message_id = s.message_id and r.position = s.position and s.postal_id is not null
    and r.state not in ('queued', 'scheduled', 'sending', 'uncertain')
)
update recipients r
set state = s.state, detail = nullif(s.detail, ''), changed_at = now(), attempt_id = s.attempt_id,
  postal_id = coalesce(s.postal_id, r.postal_id), postal_token = coalesce(s.postal_token, r.postal_token)
from settled s
where r.message_id = s.message_id and r.position = s.position and (
  (r.state in ('sending', 'uncertain') and r.attempt_id = s.attempt_id)
  or (r.state in ('queued', 'scheduled') and s.state in ('failed', 'held', 'suppressed'))
)
returning r.message_id as "messageId", r.position`;

interface Doubted {
  readonly messageId: string;
  readonly attemptId: string;
  readonly positions: readonly number[];
}

/** Makes doubts those of this attempt, which holds the message now and decides on them. Returns how many are still open. */
export function adoptDoubts(db: Database, { messageId, attemptId, positions }: Doubted): Promise<number> {
  return db.change(
    `update recipients r set state = 'uncertain', attempt_id = $2, changed_at = now()
     from messages m
     where m.id = $1 and m.attempt_id = $2 and m.lease_until > clock_timestamp()
       and r.message_id = m.id and r.position = any($3::integer[]) and r.state in ('queued', 'scheduled', 'sending', 'uncertain')`,
    [messageId, attemptId, positions],
  );
}

/** A recipient as Postal's webhooks name it. */
export interface PostalRecipient {
  readonly postalKey: string;
  readonly messageId: string;
  readonly position: number;
  readonly address: string;
  readonly postalId: number | null;
  readonly postalToken: string | null;
}

interface PostalNames {
  readonly keys: readonly string[];
  readonly addresses: readonly string[];
  readonly ids: readonly number[];
}

/**
 * Recipients of the messages with these keys that have one of the addresses or one of Postal's ids. Locks the messages, in the order
 * of their ids, until the transaction ends.
 */
export async function lockByPostalNames(
  db: Database,
  { keys, addresses, ids }: PostalNames,
): Promise<readonly PostalRecipient[]> {
  await db.query('select from messages where postal_key = any($1::text[]) order by id for no key update', [
    keys,
  ]);
  return findByPostalNames(db, { keys, addresses, ids });
}

/** The same without a lock: what is found may change at once. */
export function findByPostalNames(
  db: Database,
  { keys, addresses, ids }: PostalNames,
): Promise<readonly PostalRecipient[]> {
  return db.query<PostalRecipient & Record<string, unknown>>(
    `select m.postal_key as "postalKey", m.id as "messageId", r.position, r.address,
       r.postal_id::float as "postalId", r.postal_token as "postalToken"
     from messages m join recipients r on r.message_id = m.id
     where m.postal_key = any($1::text[]) and (r.address = any($2::text[]) or r.postal_id = any($3::bigint[]))`,
    [keys, addresses, ids],
  );
}

/** The recipient of a message with this address. Locks the message until the transaction ends. */
export async function lockRecipient(
  within: Database,
  messageId: string,
  address: string,
): Promise<Pick<PostalRecipient, 'messageId' | 'position' | 'address'> | undefined> {
  await within.query('select from messages where id = $1 for no key update', [messageId]);
  const [row] = await within.query<{ messageId: string; position: number; address: string }>(
    `select message_id as "messageId", position, address from recipients where message_id = $1 and address = $2`,
    [messageId, address],
  );
  return row;
}

/** What Postal's events together say of one recipient. */
export interface RecipientStanding {
  readonly messageId: string;
  readonly position: number;
  /** Undefined when they say nothing of its state; that Postal knows it proves that it was accepted. */
  readonly state: RecipientState | undefined;
  readonly detail: string | undefined;
  readonly opens: number;
  readonly clicks: number;
}

/** Writes down what Postal's events say. Who was in doubt or on the way is known to be at Postal. */
export async function applyStandings(db: Database, standings: readonly RecipientStanding[]): Promise<void> {
  await db.change(
    `update recipients r
     set state = coalesce(s.state, case when r.state in ('sending', 'uncertain') then 'accepted' else r.state end),
       detail = case when s.state is null then r.detail else s.detail end,
       opens = s.opens, clicks = s.clicks,
       changed_at = case when s.state is distinct from r.state then now() else r.changed_at end
     from unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::integer[], $6::integer[])
       as s (message_id, position, state, detail, opens, clicks)
     where r.message_id = s.message_id and r.position = s.position`,
    [
      standings.map(({ messageId }) => messageId),
      standings.map(({ position }) => position),
      standings.map(({ state }) => state),
      standings.map(({ detail }) => detail),
      standings.map(({ opens }) => opens),
      standings.map(({ clicks }) => clicks),
    ],
  );
}
