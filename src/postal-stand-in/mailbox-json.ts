import { headerText, readHeaders } from './headers.ts';
import type { Delivery, MessageRow, TimelineEntry } from './messages.ts';

/** One message in a recipient's mailbox. Times are ISO 8601. */
export interface MailboxEntry {
  readonly id: number;
  readonly token: string;
  readonly to: string;
  readonly from: string | null;
  readonly mail_from: string;
  readonly envelope_from: string | null;
  readonly message_id: string | null;
  readonly subject: string | null;
  readonly tag: string | null;
  readonly status: string;
  readonly size: number;
  readonly accepted_at: string;
  readonly delivered_at: string | null;
  readonly opens: number;
  readonly clicks: number;
  readonly links: { readonly page: string; readonly eml: string; readonly json: string };
  readonly events: readonly { readonly at: string; readonly event: string; readonly detail: string }[];
}

/** A message row as Postal's database shows it; neither queued nor with a delivery means an orphan. */
export interface RowEntry {
  readonly id: number;
  readonly token: string;
  readonly rcpt_to: string;
  readonly mail_from: string;
  readonly message_id: string | null;
  readonly scope: MessageRow['direction'];
  readonly status: MessageRow['status'];
  readonly timestamp: number;
  readonly queued: boolean;
  readonly deliveries: readonly Pick<Delivery, 'id' | 'status' | 'details' | 'output' | 'timestamp'>[];
}

/** Messages that were delivered, newest first; `to` and `message_id` narrow them down. */
export function mailboxList(rows: readonly MessageRow[], query: URLSearchParams): MailboxEntry[] {
  return narrowed(rows, { to: 'rcptTo', message_id: 'messageId' }, query)
    .filter((row) => row.delivered !== undefined)
    .map(mailboxEntry);
}

/** Rows whatever became of them, oldest first; `mail_from` and `rcpt_to` narrow them down, compared exactly. */
export function messageRows(rows: readonly MessageRow[], query: URLSearchParams): RowEntry[] {
  return narrowed(rows, { mail_from: 'mailFrom', rcpt_to: 'rcptTo' }, query)
    .toReversed()
    .map((row) => ({
      id: row.id,
      token: row.token,
      rcpt_to: row.rcptTo,
      mail_from: row.mailFrom,
      message_id: row.messageId,
      scope: row.direction,
      status: row.status,
      timestamp: row.timestamp,
      queued: row.queued,
      deliveries: row.deliveries.map(({ id, status, details, output, timestamp }) => {
        return { id, status, details, output, timestamp };
      }),
    }));
}

/** One message as the mailbox shows it, with its timeline in order. */
export function mailboxEntry(row: MessageRow): MailboxEntry {
  const page = `/_stand-in/mailbox/${row.id}`;
  return {
    id: row.id,
    token: row.token,
    to: row.rcptTo,
    from: headerText(readHeaders(row.raw), 'from'),
    mail_from: row.mailFrom,
    envelope_from: row.delivered?.envelopeFrom ?? null,
    message_id: row.messageId,
    subject: row.subject,
    tag: row.tag,
    status: row.status,
    size: (row.delivered?.data ?? row.raw).length,
    accepted_at: isoTime(row.timestamp),
    delivered_at: row.delivered ? isoTime(row.delivered.at) : null,
    opens: row.loads.length,
    clicks: row.clicks.length,
    links: { page, eml: `${page}.eml`, json: `${page}.json` },
    events: inOrder(row.timeline).map(({ at, event, detail }) => ({ at: isoTime(at), event, detail })),
  };
}

/** Seconds since the epoch as ISO 8601 in UTC. */
export function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}

function narrowed(
  rows: readonly MessageRow[],
  fields: Readonly<Record<string, 'rcptTo' | 'mailFrom' | 'messageId'>>,
  query: URLSearchParams,
): MessageRow[] {
  const wanted = Object.entries(fields).filter(([name]) => query.has(name));
  return rows.filter((row) => wanted.every(([name, field]) => row[field] === query.get(name)));
}

function inOrder(timeline: readonly TimelineEntry[]): TimelineEntry[] {
  return timeline.toSorted((one, other) => one.at - other.at);
}
