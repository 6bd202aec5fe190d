import type { Database } from '../adapters/postgres.ts';

/** Mail that a route of Postal handed to us. */
export interface InboundMail {
  /** A uuid made of the request's octets. */
  readonly id: string;
  readonly rcptTo: string;
  readonly mailFrom: string;
  readonly raw: Buffer;
}

/** Stores mail once. False when it was there already. */
export async function insertInboundMail(db: Database, mail: InboundMail): Promise<boolean> {
  const added = await db.change(
    'insert into inbound_mail (id, rcpt_to, mail_from, raw) values ($1, $2, $3, $4) on conflict do nothing',
    [mail.id, mail.rcptTo, mail.mailFrom, mail.raw],
  );
  return added > 0;
}

/** Mail that waits to be worked out. */
export interface WaitingMail extends InboundMail {
  readonly ageMs: number;
}

/** The mail that has waited longest, locked until the transaction ends. */
export async function lockInboundMail(within: Database): Promise<WaitingMail | undefined> {
  const [row] = await within.query<WaitingMail & Record<string, unknown>>(
    `select id, rcpt_to as "rcptTo", mail_from as "mailFrom", raw,
       (extract(epoch from now() - received_at) * 1000)::float as "ageMs"
     from inbound_mail where state = 'new' and next_look_at <= now()
     order by next_look_at limit 1 for update skip locked`,
  );
  return row;
}

/** Has mail looked at again later. */
export async function postponeInboundMail(db: Database, id: string, inMs: number): Promise<void> {
  await db.change(`update inbound_mail set next_look_at = now() + $2 * interval '1 ms' where id = $1`, [
    id,
    inMs,
  ]);
}

/** Writes down that mail is worked out, or why it is set aside for the operator. */
export async function settleInboundMail(
  db: Database,
  id: string,
  quarantined: string | undefined,
): Promise<void> {
  await db.change(
    `update inbound_mail set state = case when $2::text is null then 'done' else 'quarantined' end, reason = $2 where id = $1`,
    [id, quarantined],
  );
}

/** A copy of a message of ours that a complaint may be about, newest first. */
export interface SentCopy {
  readonly messageId: string;
  readonly address: string;
  readonly postalToken: string | null;
}

const mostCopies = 1000;

/** The copies of the messages with this Message-ID. */
export function copiesOf(db: Database, headerMessageId: string): Promise<readonly SentCopy[]> {
  return db.query<SentCopy & Record<string, unknown>>(
    `select m.id as "messageId", r.address, coalesce(r.postal_token, (
       select e.detail ->> 'postal_token' from events e
       where e.message_id = m.id and e.recipient = r.address and e.detail ? 'postal_token' limit 1
     )) as "postalToken"
     from messages m join recipients r on r.message_id = m.id
     where m.header_message_id = $1 order by m.id desc, r.position limit $2`,
    [headerMessageId, mostCopies],
  );
}

/** The newest mail of the last hour that a route handed to us and that holds this Message-ID, angle brackets included. */
export async function findRecentInboundMail(db: Database, messageId: string): Promise<Buffer | undefined> {
  const [row] = await db.query<{ raw: Buffer }>(
    `select raw from inbound_mail
     where received_at > now() - interval '1 hour' and position(convert_to($1, 'UTF8') in raw) > 0
     order by received_at desc limit 1`,
    [messageId],
  );
  return row?.raw;
}
