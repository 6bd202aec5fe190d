import type { ConfigOf } from '../../config/environment.ts';
import { claimDue, type ClaimedMessage, queuedShares, type Share } from '../../store/claim.ts';
import { giveBack } from '../../store/queue.ts';
import { priorities, type Priority } from '../../domain/priority.ts';
import type { Work } from '../loop.ts';
import { openSlots, type Slots } from '../slots.ts';
import type { DeliveryRoom } from './delivery-room.ts';
import type { DueWatch } from './due-watch.ts';
import { handOver } from './hand-over.ts';
import { freshId } from './room.ts';

/** What delivering needs: handing over, and how much of it at once. */
export type DeliverRoom = DeliveryRoom & {
  readonly due: Pick<DueWatch, 'handedOver'>;
  readonly config: Pick<
    ConfigOf<'worker'>,
    'POSTAL_CONCURRENCY' | 'WORKER_BATCH' | 'WORKER_LOW_PRIORITY_DELAY'
  >;
};

/** Keeps Postal busy: claims in batches, and hands over as many messages at once as Postal takes. */
export function deliveries(room: DeliverRoom): Work {
  const { POSTAL_CONCURRENCY: most, WORKER_POLL_INTERVAL: pollMs } = room.config;
  const claimed: ClaimedMessage[] = [];
  const round: Round = { after: { high: '', normal: '', low: '' }, owed: 0, owedToAged: 0 };
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

/** Whose turn it is next, and what is owed to messages that are not urgent. */
interface Round {
  readonly after: Record<Priority, string>;
  owed: number;
  /** Of it to what is of low priority. */
  owedToAged: number;
}

async function claim(room: DeliverRoom, round: Round): Promise<readonly ClaimedMessage[]> {
  const limit = room.lane.room(room.config.WORKER_BATCH);
  if (limit === 0) return [];
  const shares = await nextShares(room, round, Math.ceil(limit / 2));
  const { WORKER_LEASE: leaseMs, WORKER_LOW_PRIORITY_DELAY: lowDelayMs } = room.config;
  const { others, aged } = leftToOthers(round, limit);
  const fromMs = room.clock.monotonicMs();
  const attemptId = freshId(room, 'att');
  const messages = await claimDue(room.db, { attemptId, limit, leaseMs, shares, others, aged, lowDelayMs });
  room.leases.claimed(messages.map(({ id }) => id));
  const [first] = messages;
  if (first) room.databaseClock.saw(first.claimedAt, { fromMs, toMs: room.clock.monotonicMs() });
  return messages;
}

/** A quarter of what is claimed, and a quarter of that to what is of low priority, also where a claim is fewer than four messages. */
function leftToOthers(round: Round, limit: number) {
  const others = Math.floor(round.owed + limit / 4);
  round.owed += limit / 4 - others;
  const aged = Math.floor(round.owedToAged + others / 4);
  round.owedToAged += others / 4 - aged;
  return { others, aged };
}

/** The shares whose turn it is; after the last one of a priority its round begins anew. */
async function nextShares(room: DeliverRoom, round: Round, most: number): Promise<readonly Share[]> {
  const shares = await queuedShares(room.db, { after: round.after, limit: most });
  for (const priority of priorities) {
    const page = shares.filter((share) => share.priority === priority);
    round.after[priority] = page.length < most ? '' : (page.at(-1)?.share ?? '');
  }
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
    slots.start((leave, alive) =>
      handOver(room, message, { ticket, leave, alive }).finally(() => ended(room, message)),
    );
  }
}

function ended({ due, leases }: DeliverRoom, { id }: ClaimedMessage): void {
  due.handedOver();
  leases.ended([id]);
}

async function returnAll(room: DeliverRoom, claimed: ClaimedMessage[]): Promise<void> {
  const all = claimed.splice(0);
  if (all.length === 0) return;
  try {
    await giveBack(room.db, all);
  } finally {
    room.leases.ended(all.map(({ id }) => id));
  }
}
