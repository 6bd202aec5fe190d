import type { MariadbSession } from '../../adapters/mariadb.ts';
import type { Fate } from '../../domain/restore-verdict.ts';
import { findMailServer, type PostalDatabases } from './mail-server.ts';
import { quoted } from './quoted.ts';

/** Makes an empty database; fails where there is one of the name. */
export async function createPostalDatabase(session: MariadbSession, name: string): Promise<void> {
  await session.command(`create database ${quoted(name)} character set utf8mb4`);
}

/** Drops a database that a restore or proof made; one that is not there is no failure. */
export async function dropPostalDatabase(session: MariadbSession, name: string): Promise<void> {
  await session.command(`drop database if exists ${quoted(name)}`);
}

/** Names of a database's tables. */
export async function postalTables(session: MariadbSession, database: string): Promise<readonly string[]> {
  const rows = await session.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = ? and table_type = 'BASE TABLE'`,
    [database],
  );
  return rows.map(({ name }) => name);
}

/** A table that changes its database. */
export interface Move {
  readonly table: string;
  readonly from: string;
  readonly to: string;
}

/** Moves tables from database to database: all of them at one moment, or none. */
export async function moveTables(session: MariadbSession, moves: readonly Move[]): Promise<void> {
  if (moves.length === 0) return;
  const words = moves.map(
    ({ table, from, to }) => `${quoted(from)}.${quoted(table)} to ${quoted(to)}.${quoted(table)}`,
  );
  await session.command(`rename table ${words.join(', ')}`);
}

/** Makes a database where there is none. */
export async function ensurePostalDatabase(session: MariadbSession, name: string): Promise<void> {
  await session.command(`create database if not exists ${quoted(name)} character set utf8mb4`);
}

const mark = 'mailctl_restore';

/** Writes in Postal's main database that it was restored from a set; the mark goes along when its tables are moved. */
export async function markPostal(session: MariadbSession, main: string, setId: string): Promise<void> {
  const table = `${quoted(main)}.${quoted(mark)}`;
  await session.command(`create or replace table ${table} (set_id varchar(64) not null primary key)`);
  await session.query(`insert into ${table} (set_id) values (?)`, [setId]);
}

/** True for a Postal that was restored from this set, and not agreed to yet. */
export async function isMarkedPostal(session: MariadbSession, main: string, setId: string): Promise<boolean> {
  if (!(await postalTables(session, main)).includes(mark)) return false;
  const rows = await session.query(`select set_id from ${quoted(main)}.${quoted(mark)} where set_id = ?`, [
    setId,
  ]);
  return rows.length > 0;
}

/** Takes the mark off. */
export async function unmarkPostal(session: MariadbSession, main: string): Promise<void> {
  await session.command(`drop table if exists ${quoted(main)}.${quoted(mark)}`);
}

/** Who else has one of these databases open: user and place. */
export async function connectedToPostal(
  session: MariadbSession,
  databases: readonly string[],
): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const database of databases) {
    const rows = await session.query<{ who: string }>(
      `select concat(user, '@', substring_index(host, ':', 1)) as who from information_schema.processlist
       where db = ? and id <> connection_id()`,
      [database],
    );
    for (const { who } of rows) found.add(who);
  }
  return [...found];
}

/** Locks every row of the queue for ten years: a worker of Postal's that is started too early finds nothing to do. */
export async function lockQueue(session: MariadbSession, main: string, holder: string): Promise<void> {
  await session.query(
    `update ${quoted(main)}.queued_messages set locked_by = ?, locked_at = utc_timestamp() + interval 10 year`,
    [holder],
  );
}

/** The highest message id that a mail server's database has given; 0 where there is no such database. */
export async function highestMessageId(session: MariadbSession, database: string): Promise<number> {
  if (!(await postalTables(session, database)).includes('messages')) return 0;
  const [row] = await session.query<{ highest: number | null }>(
    `select max(id) as highest from ${quoted(database)}.messages`,
  );
  return Number(row?.highest ?? 0);
}

/** Lets a mail server give no message id below this one any more. */
export async function continueIdsAt(session: MariadbSession, database: string, id: number): Promise<void> {
  await session.command(`alter table ${quoted(database)}.messages auto_increment = ${Math.trunc(id)}`);
}

/** One row of Postal's queue with the message it is for. */
export interface QueueRow {
  readonly id: number;
  readonly serverId: number;
  readonly messageId: number;
  readonly token: string;
  readonly address: string;
}

/** Every row of the queue; of a row whose message is gone the token is empty. */
export async function queueRows(
  session: MariadbSession,
  main: string,
  databaseOf: (serverId: number) => string,
): Promise<readonly QueueRow[]> {
  const rows = await session.query<{ id: number; serverId: number; messageId: number }>(
    `select id, server_id as serverId, message_id as messageId from ${quoted(main)}.queued_messages order by id`,
  );
  const whole: QueueRow[] = [];
  for (const row of rows) {
    const [message] = await session.query<{ token: string; address: string }>(
      `select token, rcpt_to as address from ${quoted(databaseOf(row.serverId))}.messages where id = ?`,
      [row.messageId],
    );
    whole.push({ ...row, token: message?.token ?? '', address: message?.address ?? '' });
  }
  return whole;
}

/** What became of a message in the Postal that was there before; its id and token must both fit. */
export async function whereaboutsBefore(
  session: MariadbSession,
  { main, messages }: { readonly main: string; readonly messages: string },
  { serverId, messageId, token }: QueueRow,
): Promise<Fate> {
  const known = await session.query(
    `select id from ${quoted(messages)}.messages where id = ? and token = ?`,
    [messageId, token],
  );
  return known.length === 0 ? 'unheard-of' : fateInQueue(session, main, { serverId, messageId });
}

/** What became of a message that a Postal took from us, by its id there. */
export async function fateAt(
  session: MariadbSession,
  databases: PostalDatabases,
  messageId: number,
): Promise<Fate> {
  const { id: serverId } = await findMailServer(session, databases);
  return fateInQueue(session, databases.main, { serverId, messageId });
}

async function fateInQueue(
  session: MariadbSession,
  main: string,
  { serverId, messageId }: Pick<QueueRow, 'serverId' | 'messageId'>,
): Promise<Fate> {
  const [queued] = await session.query<{ locked: number }>(
    `select locked_at is not null as locked from ${quoted(main)}.queued_messages where server_id = ? and message_id = ?`,
    [serverId, messageId],
  );
  if (!queued) return 'gone';
  return Number(queued.locked) === 1 ? 'in-hand' : 'waiting';
}

/** Takes a row out of the queue. */
export async function removeQueueRow(session: MariadbSession, main: string, id: number): Promise<void> {
  await session.query(`delete from ${quoted(main)}.queued_messages where id = ?`, [id]);
}

/** Lets Postal's workers have a row. */
export async function unlockQueueRow(session: MariadbSession, main: string, id: number): Promise<void> {
  await session.query(
    `update ${quoted(main)}.queued_messages set locked_by = null, locked_at = null where id = ?`,
    [id],
  );
}

/** Holds a message as Postal does: it leaves the queue until somebody releases it in Postal. */
export async function holdMessage(
  session: MariadbSession,
  messages: string,
  messageId: number,
): Promise<void> {
  await session.query(`update ${quoted(messages)}.messages set held = 1, status = 'Held' where id = ?`, [
    messageId,
  ]);
}

/** True when a database has the newest message of another one, by id and token; an empty one proves nothing against it. */
export async function knowsNewestOf(session: MariadbSession, newer: string, old: string): Promise<boolean> {
  if (!(await postalTables(session, old)).includes('messages')) return false;
  const [newest] = await session.query<{ id: number; token: string }>(
    `select id, token from ${quoted(newer)}.messages order by id desc limit 1`,
  );
  if (!newest) return true;
  const same = await session.query(`select id from ${quoted(old)}.messages where id = ? and token = ?`, [
    newest.id,
    newest.token,
  ]);
  return same.length > 0;
}
