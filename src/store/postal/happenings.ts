import type { MariadbSession } from '../../adapters/mariadb.ts';
import type { PostalMessage } from '../../domain/postal-event.ts';
import type { DeliveryRow, VisitRow } from '../../domain/postal-row.ts';
import type { MailServer } from './mail-server.ts';

/** The tables whose rows show that something happened to a message. */
export const happeningTables = ['deliveries', 'loads', 'clicks'] as const;

/** Postal's clock: seconds since 1970. */
export async function postalNow(session: MariadbSession): Promise<number> {
  const [row] = await session.query<{ now: string }>(`select unix_timestamp(now(6)) as now from dual`);
  return Number(row?.now);
}

/**
 * The id of the first row at or after a time. The tables have no index on time, but ids grow with it: halves the range of ids again and
 * again. Undefined when there is none.
 */
export async function firstIdSince(
  session: MariadbSession,
  table: string,
  seconds: number,
): Promise<number | undefined> {
  const [ends] = await session.query<{ low: number | null; high: number | null }>(
    `select min(id) as low, max(id) as high from ${table}`,
  );
  if (ends?.low == null || ends.high == null) return undefined;
  let low = ends.low;
  let high = ends.high + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [row] = await session.query<{ id: number; timestamp: string | null }>(
      `select id, timestamp from ${table} where id >= ? order by id limit 1`,
      [middle],
    );
    if (row && Number(row.timestamp) < seconds) low = row.id + 1;
    else high = middle;
  }
  return low > ends.high ? undefined : low;
}

/** A row that shows something, by the message it is about. */
export interface HappeningRow {
  readonly id: number;
  readonly messageId: number;
}

/** Rows from an id on, in the order of ids. */
export function happeningRows(
  session: MariadbSession,
  table: string,
  { from, limit }: { readonly from: number; readonly limit: number },
): Promise<readonly HappeningRow[]> {
  return session.query<HappeningRow & Record<string, unknown>>(
    `select id, message_id as messageId from ${table} where id >= ? order by id limit ${Math.floor(limit)}`,
    [from],
  );
}

/** A message of Postal's with all that happened to it. */
export interface PostalCopy {
  readonly message: PostalMessage;
  readonly storedAt: number;
  /** True while Postal is going to send it, or tries again. */
  readonly isQueued: boolean;
  readonly status: string;
  readonly deliveries: readonly DeliveryRow[];
  readonly visits: readonly VisitRow[];
}

/** The outgoing messages with these ids. What leaves the queue meanwhile has its delivery already: the queue is read first. */
export async function copiesOf(
  session: MariadbSession,
  server: MailServer,
  ids: readonly number[],
): Promise<readonly PostalCopy[]> {
  if (ids.length === 0) return [];
  const these = `in (${ids.map(() => '?').join(', ')})`;
  const queued = await session.query<{ id: number }>(
    `select message_id as id from ${server.queue} where server_id = ? and message_id ${these}`,
    [server.id, ...ids],
  );
  const messages = await session.query<MessageRow>(
    `select id, token, scope, rcpt_to, mail_from, status, timestamp from ${server.messages} where id ${these} and scope = 'outgoing'`,
    ids,
  );
  const deliveries = await session.query<RawDelivery>(
    `select id, message_id, status, details, output, sent_with_ssl, timestamp from ${server.deliveries} where message_id ${these}`,
    ids,
  );
  const visits = await session.query<RawVisit>(
    `select id, message_id, ip_address, user_agent, timestamp, null as url from ${server.loads} where message_id ${these}
     union all
     select c.id, c.message_id, c.ip_address, c.user_agent, c.timestamp, coalesce(l.url, '')
     from ${server.clicks} c left join ${server.links} l on l.id = c.link_id where c.message_id ${these}`,
    [...ids, ...ids],
  );
  const waiting = new Set(queued.map(({ id }) => id));
  return messages.map((row) => ({
    message: nameOf(row),
    storedAt: Number(row.timestamp),
    isQueued: waiting.has(row.id),
    status: row.status ?? '',
    deliveries: deliveries.filter(({ message_id: id }) => id === row.id).map(deliveryOf),
    visits: visits.filter(({ message_id: id }) => id === row.id).map(visitOf),
  }));
}

interface MessageRow extends Record<string, unknown> {
  readonly id: number;
  readonly token: string;
  readonly scope: string;
  readonly rcpt_to: string | null;
  readonly mail_from: string | null;
  readonly status: string | null;
  readonly timestamp: string;
}

interface RawDelivery extends Record<string, unknown> {
  readonly id: number;
  readonly message_id: number;
  readonly status: string;
  readonly details: string | null;
  readonly output: string | null;
  readonly sent_with_ssl: number | null;
  readonly timestamp: string;
}

interface RawVisit extends Record<string, unknown> {
  readonly id: number;
  readonly message_id: number;
  readonly ip_address: string | null;
  readonly user_agent: string | null;
  readonly timestamp: string;
  readonly url: string | null;
}

function nameOf({ id, token, scope, rcpt_to: to, mail_from: from }: MessageRow): PostalMessage {
  return { id, token, direction: scope, to, from };
}

function deliveryOf({
  id,
  status,
  details,
  output,
  sent_with_ssl: sentWithSsl,
  timestamp,
}: RawDelivery): DeliveryRow {
  return { id, status, details, output, sentWithSsl, timestamp: Number(timestamp) };
}

function visitOf({ id, ip_address: ipAddress, user_agent: userAgent, timestamp, url }: RawVisit): VisitRow {
  return { id, ipAddress, userAgent, timestamp: Number(timestamp), url };
}
