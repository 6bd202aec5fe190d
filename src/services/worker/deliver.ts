import type { ConfigOf } from '../../config/environment.ts';
import { claimDue, type ClaimedMessage, giveBack, queuedShares } from '../../store/queue.ts';
import type { Work } from '../loop.ts';
import { openSlots, type Slots } from '../slots.ts';
import type { DeliveryRoom } from './delivery-room.ts';
import type { DueWatch } from './due-watch.ts';
import { handOver } from './hand-over.ts';
import { freshId } from './room.ts';

/** What delivering needs: handing over, and how much of it at once. */
export type DeliverRoom = DeliveryRoom & {
  readonly due: Pick<DueWatch, 'handedOver'>;
  readonly config: Pick<ConfigOf<'worker'>, 'POSTAL_CONCURRENCY' | 'WORKER_BATCH'>;
};

/** Keeps Postal busy: claims in batches, and hands over as many messages at once as Postal takes. */
export function deliveries(room: DeliverRoom): Work {
  const { POSTAL_CONCURRENCY: most, WORKER_POLL_INTERVAL: pollMs } = room.config;
  const claimed: ClaimedMessage[] = [];
  const round = { after: '' };
  const slots = openSlots(most, room.clock, (error) =>
    room.log.error('a hand-over broke off; its recipients are uncertain when its lease ends', { error }),
  );
  return {
    turn: async () => {
      await launch(room, claimed, slots);
      if (claimed.length < most) {
        claimed.push(...(await claim(room, round)));
        await launch(room, claimed, slots);
      }
      if (slots.free() === most && slots.oldestMs() === undefined) return false;
      await slots.freed(pollMs);
      return true;
    },
    finish: async () => {
      await returnAll(room, claimed);
      await slots.drained();
    },
    oldestMs: slots.oldestMs,
  };
}

async function claim(room: DeliverRoom, round: { after: string }): Promise<readonly ClaimedMessage[]> {
  const limit = room.lane.room(room.config.WORKER_BATCH);
  if (limit === 0) return [];
  const shares = await nextShares(room, round, Math.floor(limit / 2));
  const leaseMs = room.config.WORKER_LEASE;
  const fromMs = room.clock.monotonicMs();
  const messages = await claimDue(room.db, { attemptId: freshId(room, 'att'), limit, leaseMs, shares });
  const [first] = messages;
  if (first) room.databaseClock.saw(first.claimedAt, { fromMs, toMs: room.clock.monotonicMs() });
  return messages;
}

/** The shares whose turn it is; after the last one the round begins anew. */
async function nextShares(
  room: DeliverRoom,
  round: { after: string },
  most: number,
): Promise<readonly string[]> {
  if (most === 0) return [];
  const shares = await queuedShares(room.db, { after: round.after, limit: most });
  round.after = shares.length < most ? '' : (shares.at(-1) ?? '');
  return shares;
}

async function launch(room: DeliverRoom, claimed: ClaimedMessage[], slots: Slots): Promise<void> {
  while (slots.free() > 0) {
    const message = claimed.shift();
    if (!message) return;
    const ticket = room.lane.enter();
    if (!ticket) {
      claimed.unshift(message);
      await returnAll(room, claimed);
      return;
    }
    slots.start((leave) => handOver(room, message, { ticket, leave }).finally(room.due.handedOver));
  }
}

async function returnAll(room: DeliverRoom, claimed: ClaimedMessage[]): Promise<void> {
  const byAttempt = new Map<string, string[]>();
  for (const { attemptId, id } of claimed.splice(0)) {
    byAttempt.set(attemptId, [...(byAttempt.get(attemptId) ?? []), id]);
  }
  for (const [attemptId, ids] of byAttempt) await giveBack(room.db, attemptId, ids);
}
