import type { Database } from '../adapters/postgres.ts';

/** Makes an empty database beside the others. */
export async function createDatabase(server: Database, name: string): Promise<void> {
  await server.query(`create database ${identifier(name)} template template0`);
}

/** Drops a database, whoever is still connected; one that is not there is no failure. */
export async function dropDatabase(server: Database, name: string): Promise<void> {
  await server.query(`drop database if exists ${identifier(name)} with (force)`);
}

/** A name as SQL takes it in PostgreSQL. */
function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** True when the server has a database of that name. */
export async function hasDatabase(server: Database, name: string): Promise<boolean> {
  const rows = await server.query('select from pg_database where datname = $1', [name]);
  return rows.length > 0;
}

/** Gives a database another name; nobody may be connected to it. */
export async function renameDatabase(server: Database, from: string, to: string): Promise<void> {
  await server.query(`alter database ${identifier(from)} rename to ${identifier(to)}`);
}

/** Writes on a database that it was restored from a set; the mark goes along when it is renamed. */
export async function markDatabase(server: Database, name: string, setId: string): Promise<void> {
  await server.query(`comment on database ${identifier(name)} is '${markOf(setId)}'`);
}

/** True for a database that was restored from this set, and not agreed to yet. */
export async function isMarked(server: Database, name: string, setId: string): Promise<boolean> {
  const rows = await server.query(
    `select from pg_database where datname = $1 and shobj_description(oid, 'pg_database') = $2`,
    [name, markOf(setId)],
  );
  return rows.length > 0;
}

/** Takes the mark off. */
export async function unmarkDatabase(server: Database, name: string): Promise<void> {
  await server.query(`comment on database ${identifier(name)} is null`);
}

function markOf(setId: string): string {
  return `mailctl restore ${setId}`;
}

/**
 * Who is connected to a database, by the names that programs give themselves. An autovacuum worker is nobody: PostgreSQL ends it itself
 * when the database is renamed or dropped.
 */
export async function connectedTo(server: Database, database: string): Promise<readonly string[]> {
  const rows = await server.query<{ name: string }>(
    `select distinct coalesce(nullif(application_name, ''), 'a client of ' || usename, backend_type) as name
     from pg_stat_activity
     where datname = $1 and pid <> pg_backend_pid() and backend_type <> 'autovacuum worker' order by 1`,
    [database],
  );
  return rows.map(({ name }) => name);
}

/** Ends the sessions of this program's own commands, so that the database can be renamed. */
export async function endOwnSessions(server: Database, database: string): Promise<void> {
  await server.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = $1 and application_name = 'mailctl' and pid <> pg_backend_pid()`,
    [database],
  );
}

/** A recipient that the restored database believes unsent. */
export interface OpenRecipient {
  readonly messageId: string;
  readonly position: number;
  readonly address: string;
  readonly postalKey: string;
  readonly state: string;
}

/** Every recipient that would be handed to Postal, of messages received until then. */
export function openRecipients(db: Database, until: Date): Promise<readonly OpenRecipient[]> {
  return db.query<OpenRecipient & Record<string, unknown>>(
    `select ${openColumns} from recipients r join messages m on m.id = r.message_id
     where r.state in ('queued', 'scheduled', 'sending', 'uncertain') and m.received_at <= $1
     order by r.message_id, r.position`,
    [until],
  );
}

/** Every recipient that Postal took since then and has not done with, as far as is known here. */
export function takenSince(db: Database, since: Date): Promise<readonly OpenRecipient[]> {
  return db.query<OpenRecipient & Record<string, unknown>>(
    `select ${openColumns} from recipients r join messages m on m.id = r.message_id
     where r.state in ('accepted', 'delayed') and r.changed_at >= $1
     order by r.message_id, r.position`,
    [since],
  );
}

const openColumns =
  'r.message_id as "messageId", r.position, r.address, r.state, m.postal_key as "postalKey"';

/** How recipients stand in a database, by `message position`. */
export async function recipientStates(
  db: Database,
  messageIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await db.query<{ key: string; state: string }>(
    `select message_id || ' ' || position as key, state from recipients where message_id = any($1::text[])`,
    [messageIds],
  );
  return new Map(rows.map(({ key, state }) => [key, state]));
}

/** True when a database has lived on from where the other one was dumped: it knows its newest message. */
export async function knowsMessage(db: Database, messageId: string): Promise<boolean> {
  const [table] = await db.query<{ exists: boolean }>(`select to_regclass('messages') is not null as exists`);
  if (!table?.exists) return false;
  return (await db.query('select from messages where id = $1', [messageId])).length > 0;
}

/** What a restore decides of one recipient. */
export interface RestoredState extends Pick<OpenRecipient, 'messageId' | 'position'> {
  readonly state: string;
  readonly detail: string;
}

/** Notes that these were judged: what a restored Postal has forgotten is not doubted once more. */
export async function noteJudged(
  db: Database,
  judged: readonly Pick<OpenRecipient, 'messageId' | 'position'>[],
): Promise<void> {
  await db.change(
    `update recipients r set looked_up_at = now() from unnest($1::text[], $2::integer[]) as d (message_id, position)
     where r.message_id = d.message_id and r.position = d.position`,
    [judged.map(({ messageId }) => messageId), judged.map(({ position }) => position)],
  );
}

/** Writes decisions down: messages of which nothing is left to hand over leave the queue, those of which something is again come back. */
export async function decideRecipients(db: Database, decided: readonly RestoredState[]): Promise<void> {
  await db.transaction(async (within) => {
    await within.change(
      `update recipients r set state = d.state, detail = d.detail, changed_at = now(), attempt_id = null
       from unnest($1::text[], $2::integer[], $3::text[], $4::text[]) as d (message_id, position, state, detail)
       where r.message_id = d.message_id and r.position = d.position`,
      [
        decided.map(({ messageId }) => messageId),
        decided.map(({ position }) => position),
        decided.map(({ state }) => state),
        decided.map(({ detail }) => detail),
      ],
    );
    await within.change(
      `update messages m set attempt_id = null, lease_until = null, next_attempt_at = case when exists (
         select from recipients r where r.message_id = m.id and r.state in ('queued', 'scheduled', 'sending', 'uncertain')
       ) then coalesce(m.next_attempt_at, now()) end
       where m.id = any($1::text[])`,
      [[...new Set(decided.map(({ messageId }) => messageId))]],
    );
  });
}

/** The highest id that Postal ever gave a message of ours; 0 where it gave none. */
export async function highestPostalId(db: Database): Promise<number> {
  const [row] = await db.query<{ highest: string | null }>(
    'select max(postal_id) as highest from recipients',
  );
  return Number(row?.highest ?? 0);
}

/** How recipients stand that Postal knows by these tokens. */
export async function statesByToken(
  db: Database,
  tokens: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await db.query<{ token: string; state: string }>(
    'select postal_token as token, state from recipients where postal_token = any($1::text[])',
    [tokens],
  );
  return new Map(rows.map(({ token, state }) => [token, state]));
}
