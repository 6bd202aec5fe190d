import type { Database } from '../../adapters/postgres.ts';
import type { ConfigOf } from '../../config/environment.ts';
import { backoffMs } from '../../domain/backoff.ts';
import type { Settlement } from '../../domain/delivery.ts';
import type { Event, EventKind } from '../../domain/event.ts';
import { recordEvents } from '../../store/events.ts';
import { keepPlans } from '../../store/plans.ts';
import { finishClaims } from '../../store/queue.ts';
import { recipientKey, settleRecipients } from '../../store/recipients.ts';
import { type Batcher, openBatcher } from '../batcher.ts';
import { isPoison } from './poison.ts';
import { freshId, type Room } from './room.ts';

/** What writing down needs. */
export interface Persisting extends Room {
  readonly config: Pick<
    ConfigOf<'worker'>,
    'WORKER_LEASE' | 'WORKER_POLL_INTERVAL' | 'WORKER_ERROR_WAIT_MAX'
  >;
  readonly records: Records;
}

/**
 * Writes down what is known only here, such as Postal's answer, again and again while the database is away; throws when the lease
 * must have ended, after which the next holder finds out. `write` must be safe to repeat.
 */
async function persist<T>(room: Persisting, write: () => Promise<T>): Promise<T> {
  const { WORKER_LEASE: leaseMs, WORKER_POLL_INTERVAL: baseMs, WORKER_ERROR_WAIT_MAX: mostMs } = room.config;
  const startedMs = room.clock.monotonicMs();
  for (let failures = 1; ; failures += 1) {
    try {
      return await write();
    } catch (error) {
      const waitMs = backoffMs(failures, { baseMs, mostMs }, room.random.fraction());
      if (room.clock.monotonicMs() + waitMs - startedMs > leaseMs) throw error;
      room.log.warn('an outcome could not be written down yet; trying again', { error });
      await room.clock.sleep(waitMs);
    }
  }
}

/** When what is still open is tried again, and whether this try counts as one; waiting for a blocked lane does not. */
export interface Again {
  readonly inMs: number;
  readonly counts: boolean;
}

/** What one attempt found out about recipients of a message; with `again` it also ends the claim. */
export interface Record {
  readonly messageId: string;
  readonly attemptId: string;
  readonly settlements: readonly Settlement[];
  readonly again?: Again;
  /** True when nothing of this claim waits for it: it is written down together with others. */
  readonly isLast?: true;
}

/** Settles recipients, records what happened to them and queues what AMS hears of it, all or nothing. */
export async function recordSettlements(room: Persisting, record: Record): Promise<void> {
  if (record.settlements.length === 0 && !record.again) return;
  const entry = { record, events: eventsOf(room, record) };
  await persist(room, async () => {
    const written = await room.records.add(entry, record.isLast ? undefined : 'hurried');
    if (!written.ok) throw written.error;
  });
}

interface Entry {
  readonly record: Record;
  readonly events: ReturnType<typeof eventsOf>;
}

type Written = { readonly ok: true } | { readonly ok: false; readonly error: unknown };

/** Where records of several hand-overs are written down together. */
export type Records = Batcher<Entry, Written>;

const mostTogether = 100;
const transactionsAtOnce = 2;

/** Gathers what comes shortly after a transaction, or while others are under way, into the next one: a busy worker needs few. */
export function openRecords(room: Room, everyMs: number): Records {
  return openBatcher(
    (entries) => write(room, entries),
    { maxItems: mostTogether, inFlight: transactionsAtOnce, everyMs },
    room.clock,
  );
}

/** One that no transaction can take keeps none of the others from being written. */
async function write(room: Room, entries: readonly Entry[]): Promise<readonly Written[]> {
  try {
    await room.db.transaction((within) => writeAll(room, within, entries));
    return entries.map(() => ({ ok: true }));
  } catch (error) {
    if (entries.length === 1 || !isPoison(error)) return entries.map(() => ({ ok: false, error }));
    return (await Promise.all(entries.map((entry) => write(room, [entry])))).flat();
  }
}

async function writeAll(room: Room, within: Database, entries: readonly Entry[]): Promise<void> {
  await keepPlans(within);
  const changed = await settleRecipients(
    within,
    entries.map(({ record }) => record),
  );
  const happened = entries
    .flatMap(({ events }) => events)
    .filter(
      ({ event, position }) =>
        event.kind === 'accepted' || changed.has(recipientKey(event.messageId, position)),
    );
  await recordEvents(
    within,
    happened.map(({ event }) => event),
    () => freshId(room, 'whd'),
  );
  await finishClaims(
    within,
    entries.flatMap(({ record }) => (record.again ? [claimEnd(record, record.again)] : [])),
  );
}

function claimEnd({ messageId, attemptId }: Record, { inMs, counts }: Again) {
  return { id: messageId, attemptId, againInMs: inMs, counts };
}

function eventsOf(room: Room, { messageId, attemptId, settlements }: Record) {
  return settlements.flatMap(({ position, address, state, name, detail, ...settled }) => {
    const kind = settled.event ?? kindOf(state);
    if (!kind) return [];
    const facts = {
      attempt_id: attemptId,
      ...(name && { postal_id: name.id, postal_token: name.token }),
      ...(detail !== '' && { reason: detail }),
      ...settled.facts,
    };
    const id = freshId(room, 'evt');
    const at = room.clock.now();
    const event: Event = { id, messageId, recipient: address, kind, at, postalUuid: null, detail: facts };
    return [{ position, event }];
  });
}

/** Going back into the queue is no event by itself: while a lane is blocked it happens to everything, again and again. */
function kindOf(state: Settlement['state']): EventKind | undefined {
  return state === 'queued' || state === 'scheduled' || state === 'sending' ? undefined : state;
}
