import type { Database } from '../adapters/postgres.ts';

/** Days whose partition of bodies is older than `keepMs`, oldest first, by the database's clock. */
export async function expiredBodyDays(db: Database, keepMs: number): Promise<readonly string[]> {
  const rows = await db.query<{ day: string }>(
    `select to_char(to_date(substring(c.relname from 8), 'YYYYMMDD'), 'YYYY-MM-DD') as day
     from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'bodies'::regclass and c.relname ~ '^bodies_[0-9]{8}$'
       and to_date(substring(c.relname from 8), 'YYYYMMDD') + 1 <= ((now() - $1 * interval '1 ms') at time zone 'UTC')::date
     order by day`,
    [keepMs],
  );
  return rows.map(({ day }) => day);
}

/** What dropping a day of bodies did; `busy` means that someone is reading it, and nothing was done. */
export type Dropped = { readonly outcome: 'dropped'; readonly moved: number } | { readonly outcome: 'busy' };

/** What became of a page of a day's bodies. */
export interface MovedPage {
  readonly moved: number;
  /** The last body of the page; null behind the last page. */
  readonly last: string | null;
}

/**
 * Moves to today, of the bodies of a day behind `after`, those of the next `limit` that may still be handed over: of recipients that are
 * not final, and of those that Postal never took. A message that a worker holds is passed over: it may be reading its body just now.
 */
export async function moveNeededBodies(
  db: Database,
  day: string,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<MovedPage> {
  const table = tableOf(day);
  const [page] = await db.query<MovedPage & Record<string, unknown>>(
    `with page as (
       select message_id from ${table} where message_id > $1 order by message_id limit $2
     ), free as (${lockFree(`select message_id from page b where ${isNeededOf(day)}`)}
     ), moved as (
       update messages m set body_day = (now() at time zone 'UTC')::date from free where m.id = free.id returning m.id, m.body_day
     ), stored as (
       insert into bodies (message_id, day, raw)
       select moved.id, moved.body_day, b.raw from moved join ${table} b on b.message_id = moved.id
       on conflict (message_id, day) do nothing
     )
     select (select count(*)::integer from moved) as moved, (select max(message_id) from page) as last`,
    [after, limit],
  );
  return page ?? { moved: 0, last: null };
}

/**
 * Drops a day of bodies, after moving to today what may still be handed over and was not moved before. Waits at most `lockMs` for readers,
 * then throws `locked`.
 */
export async function dropBodyDay(db: Database, day: string, lockMs: number): Promise<Dropped> {
  const table = tableOf(day);
  const wanted = `select message_id from ${table} b where ${isNeededOf(day)}`;
  return db.transaction(async (within) => {
    await within.query(`select set_config('lock_timeout', $1, true)`, [`${lockMs}ms`]);
    const needed = await within.query(wanted);
    const free = await within.query<{ id: string }>(lockFree(wanted));
    if (free.length < needed.length) return { outcome: 'busy' };
    const moved = free.map(({ id }) => id);
    await within.change(
      `update messages set body_day = (now() at time zone 'UTC')::date where id = any($1::text[])`,
      [moved],
    );
    await within.change(
      `insert into bodies (message_id, day, raw)
       select m.id, m.body_day, b.raw from messages m join ${table} b on b.message_id = m.id where m.id = any($1::text[])`,
      [moved],
    );
    await within.query(`drop table ${table}`);
    return { outcome: 'dropped', moved: moved.length };
  });
}

function tableOf(day: string): string {
  return `bodies_${day.replaceAll('-', '')}`;
}

const isNeeded = `exists (
  select from recipients r where r.message_id = b.message_id and (
    r.state in ('queued', 'scheduled', 'sending', 'uncertain', 'held') or (r.state = 'failed' and r.postal_id is null)
  )
)`;

/** The same of a body that its message still has there. */
function isNeededOf(day: string): string {
  return `${isNeeded} and exists (select from messages m where m.id = b.message_id and m.body_day = date '${day}')`;
}

function lockFree(wanted: string): string {
  return `
select m.id from messages m
where m.id in (${wanted}) and (m.lease_until is null or m.lease_until < now())
for no key update skip locked`;
}

interface Page {
  readonly keepMs: number;
  readonly limit: number;
}

/** Removes bodies outside the partitions of days that are older than `keepMs` and no longer needed. */
export function deleteStrayBodies(db: Database, { keepMs, limit }: Page): Promise<number> {
  return db.change(
    `delete from bodies_rest where ctid = any(array(
       select b.ctid from bodies_rest b
       where b.day < ((now() - $1 * interval '1 ms') at time zone 'UTC')::date and not ${isNeeded}
       limit $2
     ))`,
    [keepMs, limit],
  );
}

/**
 * Removes messages with recipients, events and webhooks once they were stored, and each recipient changed last, more than `keepMs` ago:
 * what was sent after months on hold or of waiting for its time is as young as its delivery. Never one that waits to be sent.
 */
export function deleteOldMessages(db: Database, { keepMs, limit }: Page): Promise<number> {
  return db.change(
    `delete from messages where id in (
       select m.id from messages m
       where m.stored_at < now() - $1 * interval '1 ms' and m.next_attempt_at is null and not exists (
         select from recipients r
         where r.message_id = m.id and (
           r.state in ('queued', 'scheduled', 'sending', 'uncertain', 'held') or r.changed_at >= now() - $1 * interval '1 ms'
         )
       )
       limit $2
     )`,
    [keepMs, limit],
  );
}

/** Removes names of which nothing was recorded for `keepMs`: a message that arrives later than that is not known to be sent again. */
export function deleteOldNames(db: Database, { keepMs, limit }: Page): Promise<number> {
  return db.change(
    `delete from submission_names where (name, place) in (
       select n.name, n.place from submission_names n
       where n.recorded_at < now() - $1 * interval '1 ms' and not exists (
         select from submission_names later where later.name = n.name and later.recorded_at >= now() - $1 * interval '1 ms'
       )
       limit $2
     )`,
    [keepMs, limit],
  );
}

/** Removes Postal's webhooks that were worked out more than `keepMs` ago; what lies in quarantine stays. */
export function deleteOldPostalWebhooks(db: Database, { keepMs, limit }: Page): Promise<number> {
  return db.change(
    `delete from postal_webhooks where ctid = any(array(
       select ctid from postal_webhooks where received_at < now() - $1 * interval '1 ms' and state = 'done' limit $2
     ))`,
    [keepMs, limit],
  );
}

/** Removes mail from Postal's routes that was worked out more than `keepMs` ago; what lies in quarantine stays. */
export function deleteOldInboundMail(db: Database, { keepMs, limit }: Page): Promise<number> {
  return db.change(
    `delete from inbound_mail where ctid = any(array(
       select ctid from inbound_mail where received_at < now() - $1 * interval '1 ms' and state = 'done' limit $2
     ))`,
    [keepMs, limit],
  );
}

/** Removes webhooks that AMS took more than `keepMs` ago; the dead-letter list stays as long as its events. */
export function deleteOldDeliveries(db: Database, { keepMs, limit }: Page): Promise<number> {
  return db.change(
    `delete from webhook_deliveries where ctid = any(array(
       select ctid from webhook_deliveries where created_at < now() - $1 * interval '1 ms'
         and (state = 'delivered' or event_id is null) limit $2
     ))`,
    [keepMs, limit],
  );
}
