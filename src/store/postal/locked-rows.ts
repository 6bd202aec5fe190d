import type { MariadbSession } from '../../adapters/mariadb.ts';
import type { LockedRow } from '../../domain/postal-rescue.ts';
import { postalDatabaseNames } from './backup.ts';
import { quoted } from './quoted.ts';

interface Names {
  readonly main: string;
  readonly messagePrefix: string;
}

/** A locked row with what names it, and with its lock as the database writes it. */
export interface LockedEntry extends LockedRow {
  readonly id: number;
  readonly queue: 'queued_messages' | 'webhook_requests';
  readonly serverId: number;
  /** Of a message in its mail server's database; 0 for a webhook. */
  readonly messageId: number;
  readonly lock: string;
  /** When it came to its end, in seconds since 1970; 0 where it has none. */
  readonly endedAt: number;
}

interface Found {
  readonly id: number;
  readonly serverId: number;
  /** The message's id, or the webhook's uuid. */
  readonly about: string;
  readonly lockedBy: string | null;
  readonly lock: string;
}

interface End {
  readonly about: string;
  readonly status: string;
  readonly at: string;
}

const most = 500;

/** The clock of the database, which stands on the same machine as Postal's workers or keeps the same time. */
export async function mariadbNow(session: MariadbSession): Promise<Date> {
  const [row] = await session.query<{ now: string }>('select cast(utc_timestamp(6) as char) as now');
  return asDate(row?.now ?? '');
}

/** Every message and every webhook that is locked, with what its mail server's database says of it since then. */
export async function lockedEntries(session: MariadbSession, names: Names): Promise<readonly LockedEntry[]> {
  const there = new Set(await postalDatabaseNames(session, names));
  const found = [
    ...(await lockedIn(session, names, 'queued_messages', 'message_id')),
    ...(await lockedIn(session, names, 'webhook_requests', 'uuid')),
  ];
  const entries: LockedEntry[] = [];
  for (const [database, queue, rows] of grouped(found, names)) {
    for (let from = 0; from < rows.length; from += most) {
      const page = rows.slice(from, from + most);
      const ends = there.has(database) ? await endsOf(session, database, queue, page) : [];
      entries.push(...page.map((row) => entryOf(row, queue, ends)));
    }
  }
  return entries;
}

type Queued = Found & { readonly queue: LockedEntry['queue'] };

async function lockedIn(
  session: MariadbSession,
  { main }: Names,
  queue: LockedEntry['queue'],
  about: string,
): Promise<readonly Queued[]> {
  const rows = await session.query<Found & Record<string, unknown>>(
    `select id, server_id as serverId, cast(${about} as char) as about, locked_by as lockedBy,
       cast(locked_at as char) as \`lock\`
     from ${quoted(main)}.${queue} where locked_at is not null order by id`,
  );
  return rows.map((row) => ({ ...row, queue }));
}

function grouped(rows: readonly Queued[], { messagePrefix }: Names) {
  const groups = new Map<string, [database: string, queue: LockedEntry['queue'], rows: Queued[]]>();
  for (const row of rows) {
    const database = `${messagePrefix}-server-${row.serverId}`;
    const key = `${database} ${row.queue}`;
    const group = groups.get(key) ?? [database, row.queue, []];
    group[2].push(row);
    groups.set(key, group);
  }
  return groups.values();
}

async function endsOf(
  session: MariadbSession,
  database: string,
  queue: LockedEntry['queue'],
  rows: readonly Found[],
): Promise<readonly End[]> {
  const places = rows.map(() => '?').join(', ');
  const values = rows.map(({ about }) => about ?? '');
  return session.query<End & Record<string, unknown>>(
    queue === 'queued_messages'
      ? `select cast(message_id as char) as about, status, cast(timestamp as char) as at
         from ${quoted(database)}.deliveries where message_id in (${places}) order by timestamp, id`
      : `select uuid as about, 'Sent' as status, cast(timestamp as char) as at
         from ${quoted(database)}.webhook_requests
         where uuid in (${places}) and status_code between 200 and 299 order by timestamp, id`,
    values,
  );
}

function entryOf(row: Found, queue: LockedEntry['queue'], ends: readonly End[]): LockedEntry {
  const lockedAt = asDate(row.lock);
  const end = ends.findLast(
    ({ about, at }) => about === row.about && Number(at) * 1000 >= lockedAt.getTime(),
  );
  return {
    id: row.id,
    queue,
    serverId: row.serverId,
    messageId: queue === 'queued_messages' ? Number(row.about) : 0,
    lockedBy: row.lockedBy ?? '',
    lockedAt,
    lock: row.lock,
    end: end?.status,
    endedAt: Number(end?.at ?? 0),
  };
}

/** MariaDB's text of a time in UTC; more exact than a millisecond is not needed. */
function asDate(text: string): Date {
  return new Date(`${text.replace(' ', 'T').slice(0, 23)}Z`);
}

/** Lets workers have a row again. False where it is no longer locked as it was. */
export async function releaseEntry(
  session: MariadbSession,
  { main }: Names,
  entry: LockedEntry,
): Promise<boolean> {
  await session.query(
    `update ${quoted(main)}.${entry.queue} set locked_by = null, locked_at = null where ${sameLock}`,
    lockOf(entry),
  );
  return changedOne(session);
}

/** Takes out a row whose message or webhook has its end, as Postal would have done next. False where it is no longer locked as it was. */
export async function settleEntry(
  session: MariadbSession,
  names: Names,
  entry: LockedEntry,
): Promise<boolean> {
  const { main, messagePrefix } = names;
  if (entry.queue === 'queued_messages' && entry.end !== undefined)
    await session.query(
      `update ${quoted(`${messagePrefix}-server-${entry.serverId}`)}.messages
       set status = ?, held = ?, last_delivery_attempt = ? where id = ? and status in ('Pending', 'SoftFail', 'Error')`,
      [entry.end, entry.end === 'Held' ? 1 : 0, entry.endedAt, entry.messageId],
    );
  await session.query(`delete from ${quoted(main)}.${entry.queue} where ${sameLock}`, lockOf(entry));
  return changedOne(session);
}

const sameLock = `id = ? and coalesce(locked_by, '') = ? and cast(locked_at as char) = ?`;

function lockOf({ id, lockedBy, lock }: LockedEntry): readonly (string | number)[] {
  return [id, lockedBy, lock];
}

async function changedOne(session: MariadbSession): Promise<boolean> {
  const [row] = await session.query<{ changed: number }>('select row_count() as changed');
  return Number(row?.changed) === 1;
}
