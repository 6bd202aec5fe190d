import type { ConfigOf } from '../../config/environment.ts';
import { backoffMs } from '../../domain/backoff.ts';
import type { Settlement } from '../../domain/delivery.ts';
import type { Event, EventKind } from '../../domain/event.ts';
import { recordEvents } from '../../store/events.ts';
import { finishClaim } from '../../store/queue.ts';
import { settleRecipients } from '../../store/recipients.ts';
import { freshId, type Room } from './room.ts';

interface Persisting extends Room {
  readonly config: Pick<
    ConfigOf<'worker'>,
    'WORKER_LEASE' | 'WORKER_POLL_INTERVAL' | 'WORKER_ERROR_WAIT_MAX'
  >;
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
}

/** Settles recipients, records what happened to them and queues what AMS hears of it, in one transaction. */
export async function recordSettlements(room: Persisting, record: Record): Promise<void> {
  if (record.settlements.length === 0 && !record.again) return;
  const events = eventsOf(room, record);
  await persist(room, () =>
    room.db.transaction(async (within) => {
      const changed = await settleRecipients(within, record);
      const happened = events.filter(
        ({ event, position }) => event.kind === 'accepted' || changed.has(position),
      );
      await recordEvents(
        within,
        happened.map(({ event }) => event),
        () => freshId(room, 'whd'),
      );
      if (record.again) await finishClaim(within, claimEnd(record, record.again));
    }),
  );
}

function claimEnd({ messageId, attemptId }: Record, { inMs, counts }: Again) {
  return { id: messageId, attemptId, againInMs: inMs, counts };
}

function eventsOf(room: Room, { messageId, attemptId, settlements }: Record) {
  return settlements.flatMap(({ position, address, state, name, detail, facts: more }) => {
    const kind = kindOf(state);
    if (!kind) return [];
    const facts = {
      attempt_id: attemptId,
      ...(name && { postal_id: name.id, postal_token: name.token }),
      ...(detail !== '' && { reason: detail }),
      ...more,
    };
    const id = freshId(room, 'evt');
    const at = room.clock.now();
    const event: Event = { id, messageId, recipient: address, kind, at, postalUuid: null, detail: facts };
    return [{ position, event }];
  });
}

/** Going back into the queue is no event. */
function kindOf(state: Settlement['state']): EventKind | undefined {
  return state === 'queued' || state === 'scheduled' || state === 'sending' ? undefined : state;
}
