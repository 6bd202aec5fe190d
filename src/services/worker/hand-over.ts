import {
  chunks,
  type Handover,
  type QueuedRecipient,
  settle,
  type Settlement,
  suppress,
} from '../../domain/delivery.ts';
import type { EventDetail } from '../../domain/event.ts';
import type { ClaimedMessage } from '../../store/claim.ts';
import { beginHandover, type Begun } from '../../store/queue.ts';
import type { Ticket } from '../breaker.ts';
import type { Leave } from '../slots.ts';
import { againAfter, latest } from './again.ts';
import type { DeliveryRoom } from './delivery-room.ts';
import { doubtful } from './doubt.ts';
import { copyFor, recipientsPerCall } from './personal-copy.ts';
import { recordSettlements } from './record.ts';
import { settleDoubts } from './settle-doubts.ts';

/** Leave to hand one message over. */
export interface Pass {
  readonly ticket: Ticket;
  /** Hears when Postal is done with the message, or how long it may still be working on it after we stopped waiting. */
  readonly leave: Leave;
  /** Hears of each request that is about to be made: a message with many takes long and does not hang. */
  readonly alive: () => void;
}

/**
 * Takes one claimed message to Postal, a chunk of recipients a request, and settles each recipient. What Postal said last is written
 * down while Postal has the next message already.
 */
export async function handOver(
  room: DeliveryRoom,
  message: ClaimedMessage,
  { ticket, leave, alive }: Pass,
): Promise<void> {
  const sent = await send(room, message, { ticket, alive }).finally(() => room.lane.forgo(ticket));
  leave(sent.end?.outcome === 'unclear' ? room.config.POSTAL_SETTLE_TIME : 0);
  const again = latest(sent.doubtsAgain, againAfter(room, message.attempts, sent.end));
  const record = { ...attemptOf(message), settlements: sent.settlements, again, isLast: true } as const;
  await recordSettlements(room, record);
}

/**
 * A message that is too old fails once more has been tried: when Postal could not take it now either, or had not taken it when that
 * was in doubt. While nothing gets through there are only probes, and none of them ends a message.
 */
async function send(room: DeliveryRoom, message: ClaimedMessage, { ticket, alive }: Omit<Pass, 'leave'>) {
  const doubts = await settleDoubts(room, message, mailFromOf(room, message));
  const doubted = new Set(doubtful(message).map(({ position }) => position));
  const certain = message.recipients.filter(({ position }) => !doubted.has(position));
  const isLate = isTooOld(room, message);
  const [late, released] = isLate && !ticket.isProbe ? [doubts.released, []] : [[], doubts.released];
  const outcome = await sendAll(room, { message, ready: [...certain, ...released], ticket, alive });
  const settlements =
    isLate && outcome.end?.outcome === 'busy'
      ? giveUp(room, outcome.open, { last_reason: outcome.end.reason })
      : outcome.settlements;
  return {
    doubtsAgain: doubts.again,
    end: outcome.end,
    settlements: [...giveUp(room, late), ...settlements],
  };
}

function attemptOf({ id, attemptId }: ClaimedMessage) {
  return { messageId: id, attemptId };
}

function mailFromOf(room: DeliveryRoom, message: ClaimedMessage): string {
  return `${message.postalKey}@${room.config.MAIL_DOMAIN}`;
}

/** What a chunk of recipients came to, not written down yet. `end` is undefined when nothing was sent. */
interface Outcome {
  readonly settlements: readonly Settlement[];
  readonly end: Handover | undefined;
  /** Whether the chunks after it have to wait. */
  readonly stops: boolean;
}

function isTooOld(room: DeliveryRoom, { firstAttemptAt }: ClaimedMessage): boolean {
  if (!firstAttemptAt) return false;
  return room.clock.now().getTime() - firstAttemptAt.getTime() > room.config.DELIVERY_GIVE_UP_AFTER;
}

function giveUp(
  room: DeliveryRoom,
  recipients: readonly QueuedRecipient[],
  facts: EventDetail = {},
): readonly Settlement[] {
  room.figures.delivered('gave-up', recipients.length);
  const detail = 'Postal did not take it within DELIVERY_GIVE_UP_AFTER';
  return recipients.map(({ position, address }) => ({ position, address, state: 'failed', detail, facts }));
}

interface Sending extends Omit<Pass, 'leave'> {
  readonly message: ClaimedMessage;
  readonly ready: readonly QueuedRecipient[];
}

/** Leaves out who is suppressed and sends chunk after chunk until one is not taken. The outcome of the last is left to write down together with the end of the claim; `open` are those that have to wait. */
async function sendAll(
  room: DeliveryRoom,
  { message, ready, ticket, alive }: Sending,
): Promise<Outcome & { readonly open: readonly QueuedRecipient[] }> {
  const settlements = ready.flatMap((recipient) =>
    recipient.suppressed ? [suppress(recipient, recipient.suppressed)] : [],
  );
  room.figures.delivered('suppressed', settlements.length);
  let last: Outcome = { settlements, end: undefined, stops: false };
  const wanted = ready.filter(({ suppressed }) => !suppressed);
  const parts = chunks(wanted, recipientsPerCall(room, message));
  for (const [place, chunk] of parts.entries()) {
    alive();
    await recordSettlements(room, { ...attemptOf(message), settlements: last.settlements });
    last = await sendChunk(room, message, chunk);
    if (last.end) room.lane.report(ticket, last.end);
    if (last.stops) return { ...last, open: parts.slice(place).flat() };
  }
  return { ...last, open: [] };
}

async function sendChunk(
  room: DeliveryRoom,
  message: ClaimedMessage,
  chunk: readonly QueuedRecipient[],
): Promise<Outcome> {
  const begun = await begin(room, message, chunk);
  if (!begun) {
    room.figures.delivered('not-begun', chunk.length);
    return { settlements: chunk.map(unsent), end: undefined, stops: true };
  }
  const named = chunk.filter(({ position }) => begun.positions.includes(position));
  if (named.length === 0) return { settlements: [], end: undefined, stops: false };
  if (!begun.raw) return withoutBody(room, message, named);
  const end = await request(room, message, { named, raw: begun.raw });
  room.figures.delivered(end.outcome, named.length);
  tell(room, message, end);
  return {
    settlements: settle(end, named),
    end,
    stops: end.outcome !== 'accepted' && end.outcome !== 'refused',
  };
}

/** Final, though Postal was not asked and so nothing is known of it. */
function withoutBody(
  room: DeliveryRoom,
  message: ClaimedMessage,
  named: readonly QueuedRecipient[],
): Outcome {
  const end = { outcome: 'refused', reason: 'its body is no longer stored' } as const;
  room.figures.delivered(end.outcome, named.length);
  tell(room, message, end);
  return { settlements: settle(end, named), end: undefined, stops: false };
}

/** Back into the queue, which is true only while nobody else has taken it over. */
function unsent({ position, address }: QueuedRecipient): Settlement {
  return { position, address, state: 'queued', detail: '' };
}

/**
 * Records the intent, or gives the chunk up while nothing has been sent: when the lease was lost, when we were frozen for so long that it
 * could end under the request, and when the database did not say.
 */
async function begin(
  room: DeliveryRoom,
  message: ClaimedMessage,
  chunk: readonly QueuedRecipient[],
): Promise<Begun | undefined> {
  const { WORKER_LEASE: leaseMs, POSTAL_SETTLE_TIME: settleMs, POSTAL_TIMEOUT: timeoutMs } = room.config;
  const askedMs = room.clock.monotonicMs();
  const positions = chunk.map(({ position }) => position);
  const { id, attemptId } = message;
  try {
    const begun = await beginHandover(room.db, { id, attemptId, positions, leaseMs, settleMs });
    const isInTime = room.clock.monotonicMs() - askedMs <= leaseMs - timeoutMs;
    room.leases.renewal(id, begun !== undefined && isInTime);
    return isInTime ? begun : undefined;
  } catch (error) {
    room.leases.renewal(id, false);
    room.log.warn('a hand-over could not begin', { message_id: id, error });
    return undefined;
  }
}

async function request(
  room: DeliveryRoom,
  message: ClaimedMessage,
  { named, raw }: { readonly named: readonly QueuedRecipient[]; readonly raw: Buffer },
): Promise<Handover> {
  const rcptTo = named.map(({ address }) => address);
  return room.postal.send({
    mailFrom: mailFromOf(room, message),
    rcptTo,
    raw: copyFor(room, message, { address: rcptTo[0] ?? '', raw }),
    isBounce: message.mailFrom === '',
  });
}

function tell(room: DeliveryRoom, { id, attemptId }: ClaimedMessage, handover: Handover): void {
  const fields = { message_id: id, attempt_id: attemptId, outcome: handover.outcome };
  if (handover.outcome === 'accepted') room.log.debug('Postal took the message', fields);
  else room.log.warn('Postal did not take the message', { ...fields, reason: handover.reason });
}
