import type { Database } from '../adapters/postgres.ts';
import type { Event, EventDetail, EventKind } from '../domain/event.ts';
import type { Id } from '../domain/id.ts';
import { recordEvents } from './events.ts';
import { filterSql, filterValues, type QueueFilter } from './queue-filter.ts';

/** What an operator can do to recipients that are not at Postal. */
export type QueueAct = 'hold' | 'release' | 'retry' | 'drop';

interface Effect {
  /** Whom it is for, as SQL. */
  readonly on: string;
  /** The new state, as SQL. */
  readonly state: string;
  readonly event: EventKind;
  /** Whether the message goes back into the queue, and whether its attempts start afresh. */
  readonly requeues: 'no' | 'again' | 'afresh';
}

const waiting = `case when m.next_attempt_at > now() and m.lease_until is null then 'scheduled' else 'queued' end`;
const heldByUs = `r.state = 'held' and r.postal_id is null`;

/** What each act is for and what it does. None touches what is being sent, or what Postal has. */
const effects: Readonly<Record<QueueAct, Effect>> = {
  hold: { on: `r.state in ('queued', 'scheduled')`, state: `'held'`, event: 'held', requeues: 'no' },
  release: { on: heldByUs, state: waiting, event: 'requeued', requeues: 'again' },
  retry: {
    on: `r.state = 'failed' and r.postal_id is null`,
    state: `'queued'`,
    event: 'requeued',
    requeues: 'afresh',
  },
  drop: {
    on: `(r.state in ('queued', 'scheduled') or (${heldByUs}))`,
    state: `'cancelled'`,
    event: 'cancelled',
    requeues: 'no',
  },
};

/** How many recipients an act would change. */
export async function countAffected(db: Database, act: QueueAct, filter: QueueFilter): Promise<number> {
  const [row] = await db.query<{ count: number }>(
    `select count(*)::integer as count from recipients r join messages m on m.id = r.message_id
     where ${effects[act].on} and ${filterSql}`,
    filterValues(filter),
  );
  return row?.count ?? 0;
}

/** An act of an operator's on the queue. */
export interface QueueChange {
  readonly act: QueueAct;
  readonly filter: QueueFilter;
  /** Why, for the timeline of each message. */
  readonly reason: string;
  /** Ends a hold by itself. */
  readonly heldUntil?: Date;
  /** Most recipients of one transaction. */
  readonly limit: number;
}

/** What recording a change needs: the time, and ids for what it records. */
export interface Recording {
  readonly at: Date;
  readonly eventId: () => Id<'evt'>;
  readonly deliveryId: () => Id<'whd'>;
}

/** Carries an act out on everything that it is for and records why, each part in a transaction of its own. Returns how many recipients it changed. */
export async function changeQueue(db: Database, change: QueueChange, recording: Recording): Promise<number> {
  let changed = 0;
  for (let place: Place | undefined = beginning; place;) {
    const part: Part = await changePart(db, { ...change, after: place }, recording);
    changed += part.changed;
    place = part.next;
  }
  return changed;
}

/** The last recipient that a part of an act came to. What a part did may be undone behind it: it is not gone back to. */
interface Place {
  readonly id: string;
  readonly position: number;
}

interface Part {
  readonly changed: number;
  /** Where the next part begins; undefined when this was the last. */
  readonly next: Place | undefined;
}

const beginning: Place = { id: '', position: -1 };

function changePart(
  db: Database,
  change: QueueChange & { readonly after: Place },
  recording: Recording,
): Promise<Part> {
  const effect = effects[change.act];
  return db.transaction(async (within) => {
    const picked = await within.query<Picked>(changing(effect), [
      ...filterValues(change.filter),
      change.limit,
      // What waits again stands in the way of nothing any more.
      effect.requeues === 'no' ? change.reason : '',
      change.act === 'hold' ? change.heldUntil : undefined,
      change.after.id,
      change.after.position,
    ]);
    const changed = picked.flatMap(({ id, address }) => (address === null ? [] : [{ id, address }]));
    if (effect.requeues !== 'no') await requeue(within, effect, [...new Set(changed.map(({ id }) => id))]);
    await recordEvents(within, eventsOf(changed, effect.event, change, recording), recording.deliveryId);
    return { changed: changed.length, next: picked.length < change.limit ? undefined : picked.at(-1) };
  });
}

/** A recipient that an act is for; without its address where it was sent, or changed otherwise, while its message was waited for. */
interface Picked extends Place, Record<string, unknown> {
  readonly address: string | null;
}

interface Changed extends Record<string, unknown> {
  readonly id: string;
  readonly address: string;
}

/** Locks messages before their recipients, as every other writer does. */
function changing({ on, state }: Effect): string {
  return `
with picked as (
  select r.message_id, r.position from recipients r join messages m on m.id = r.message_id
  where ${on} and ${filterSql} and (m.id, r.position) > ($10, $11::integer)
  order by m.id, r.position limit $7
  for no key update of m
), changed as (
  update recipients r set state = ${state}, detail = nullif($8, ''), held_until = $9::timestamptz, changed_at = now()
  from picked p join messages m on m.id = p.message_id
  where r.message_id = p.message_id and r.position = p.position and ${on}
  returning r.message_id, r.position, r.address
)
select p.message_id as id, p.position, c.address
from picked p left join changed c using (message_id, position) order by p.message_id, p.position`;
}

/** A message that a worker holds comes back by itself when the worker ends its claim. */
async function requeue(db: Database, { requeues }: Effect, ids: readonly string[]): Promise<void> {
  await db.change(
    `update messages set next_attempt_at = coalesce(next_attempt_at, now()) where id = any($1::text[]) and lease_until is null`,
    [ids],
  );
  if (requeues !== 'afresh') return;
  await db.change('update messages set attempts = 0, first_attempt_at = null where id = any($1::text[])', [
    ids,
  ]);
}

function eventsOf(
  changed: readonly Changed[],
  kind: EventKind,
  { act, reason, heldUntil }: QueueChange,
  recording: Recording,
): readonly Event[] {
  const detail: EventDetail = {
    by: 'operator',
    ...(kind === 'requeued' && { act }),
    reason,
    ...(heldUntil && { until: heldUntil.toISOString() }),
  };
  return changed.map((one) => ({ ...bare(one, kind, recording), detail }));
}

interface Ended extends Changed {
  readonly until: Date;
}

/** Puts recipients back into the queue whose hold has ended, and records that for each. Returns how many. */
export async function releaseEndedHolds(db: Database, limit: number, recording: Recording): Promise<number> {
  return db.transaction(async (within) => {
    const ended = await within.query<Ended>(
      `with picked as (
         select r.message_id, r.position, r.held_until from recipients r join messages m on m.id = r.message_id
         where r.held_until <= now() and ${heldByUs}
         order by m.id, r.position limit $1 for no key update of m
       )
       update recipients r set state = 'queued', detail = null, held_until = null, changed_at = now()
       from picked p where r.message_id = p.message_id and r.position = p.position
       returning r.message_id as id, r.address, p.held_until as until`,
      [limit],
    );
    await requeue(within, effects.release, [...new Set(ended.map(({ id }) => id))]);
    const events = ended.map((one) => ({ ...bare(one, 'requeued', recording), detail: endOfHold(one) }));
    await recordEvents(within, events, recording.deliveryId);
    return ended.length;
  });
}

function endOfHold({ until }: Ended): EventDetail {
  return { by: 'mailctl', act: 'release', reason: 'its hold has ended', until: until.toISOString() };
}

function bare({ id, address }: Changed, kind: EventKind, { at, eventId }: Recording): Omit<Event, 'detail'> {
  return { id: eventId(), messageId: id, recipient: address, kind, at, postalUuid: null };
}
