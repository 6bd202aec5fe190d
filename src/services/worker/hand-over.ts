import type { Postal } from '../../adapters/postal.ts';
import type { ConfigOf } from '../../config/environment.ts';
import { backoffMs } from '../../domain/backoff.ts';
import {
  chunks,
  type Handover,
  type QueuedRecipient,
  settle,
  type Settlement,
} from '../../domain/delivery.ts';
import { beginHandover, type ClaimedMessage, finishClaim } from '../../store/queue.ts';
import { adoptDoubts } from '../../store/recipients.ts';
import type { Ticket } from '../breaker.ts';
import { decideDoubts, doubtful, type LookUp } from './doubt.ts';
import type { Figures } from './figures.ts';
import type { Lane } from './lane.ts';
import { persist, type Record, recordSettlements } from './record.ts';
import type { Room } from './room.ts';

/** What handing messages to Postal needs. */
export interface DeliveryRoom extends Room {
  readonly postal: Postal;
  readonly lane: Lane;
  readonly lookUp: LookUp | undefined;
  readonly config: Pick<
    ConfigOf<'worker'>,
    | 'MAIL_DOMAIN'
    | 'WORKER_LEASE'
    | 'WORKER_ERROR_WAIT_MAX'
    | 'WORKER_POLL_INTERVAL'
    | 'POSTAL_TIMEOUT'
    | 'POSTAL_SETTLE_TIME'
    | 'POSTAL_UNCERTAIN_POLICY'
    | 'POSTAL_RECIPIENTS_PER_CALL'
    | 'DELIVERY_RETRY_BASE'
    | 'DELIVERY_RETRY_MAX'
    | 'DELIVERY_GIVE_UP_AFTER'
  >;
  readonly figures: Pick<Figures, 'delivered'>;
}

/** How long the message waits before the next try, and whether this try counts as one. */
interface Again {
  readonly inMs: number;
  readonly counts: boolean;
}

/**
 * Takes one claimed message to Postal, a chunk of recipients a request, and settles each recipient. Answers how long Postal may still be
 * working on it after we stopped waiting: that long its place is not free.
 */
export async function handOver(room: DeliveryRoom, message: ClaimedMessage, ticket: Ticket): Promise<number> {
  const doubts = await settleDoubts(room, message);
  const ready = [...message.recipients.filter(isReady), ...doubts.released];
  if (isTooOld(room, message)) return giveUp(room, message, ready);
  const end = await sendAll(room, { message, ready, ticket });
  if (end === 'lost') return 0;
  const again = latest([doubts.again, againAfter(room, message, end)]);
  await persist(room, () =>
    finishClaim(room.db, {
      id: message.id,
      attemptId: message.attemptId,
      againInMs: again.inMs,
      counts: again.counts,
    }),
  );
  return end?.outcome === 'unclear' ? room.config.POSTAL_SETTLE_TIME : 0;
}

function isReady({ state }: QueuedRecipient): boolean {
  return state === 'queued' || state === 'scheduled';
}

function mailFromOf(room: DeliveryRoom, message: ClaimedMessage): string {
  return `${message.postalKey}@${room.config.MAIL_DOMAIN}`;
}

interface Doubts {
  readonly released: readonly QueuedRecipient[];
  readonly again: Again;
}

async function settleDoubts(room: DeliveryRoom, message: ClaimedMessage): Promise<Doubts> {
  const recipients = doubtful(message);
  const nothing = { released: [], again: { inMs: 0, counts: false } };
  if (recipients.length === 0) return nothing;
  const adopted = await adoptDoubts(room.db, message.id, message.attemptId);
  if (adopted === 0) return nothing;
  await record(room, message, recipients.filter(({ state }) => state === 'sending').map(lostWithWorker));
  const decisions = await decide(room, message, recipients);
  if (!decisions) return { released: [], again: { inMs: room.config.DELIVERY_RETRY_BASE, counts: false } };
  await record(room, message, decisions);
  const released = new Set(
    decisions.filter(({ state }) => state === 'queued').map(({ position }) => position),
  );
  return { ...nothing, released: recipients.filter(({ position }) => released.has(position)) };
}

function lostWithWorker({ position, address }: QueuedRecipient): Settlement {
  return {
    position,
    address,
    state: 'uncertain',
    detail: 'the worker that was handing it over ended without an answer',
  };
}

async function decide(
  room: DeliveryRoom,
  message: ClaimedMessage,
  recipients: readonly QueuedRecipient[],
): Promise<readonly Settlement[] | undefined> {
  try {
    return await decideDoubts({
      mailFrom: mailFromOf(room, message),
      recipients,
      policy: room.config.POSTAL_UNCERTAIN_POLICY,
      lookUp: room.lookUp,
    });
  } catch (error) {
    room.log.warn("Postal's database cannot be asked; what is uncertain waits", {
      message_id: message.id,
      error,
    });
    return undefined;
  }
}

function isTooOld(room: DeliveryRoom, { firstAttemptAt }: ClaimedMessage): boolean {
  if (!firstAttemptAt) return false;
  return room.clock.now().getTime() - firstAttemptAt.getTime() > room.config.DELIVERY_GIVE_UP_AFTER;
}

async function giveUp(
  room: DeliveryRoom,
  message: ClaimedMessage,
  ready: readonly QueuedRecipient[],
): Promise<number> {
  const detail = 'Postal did not take it within DELIVERY_GIVE_UP_AFTER';
  await record(
    room,
    message,
    ready.map(({ position, address }) => ({ position, address, state: 'failed', detail })),
  );
  room.figures.delivered('gave-up', ready.length);
  const claim = { id: message.id, attemptId: message.attemptId };
  await persist(room, () =>
    finishClaim(room.db, { ...claim, againInMs: room.config.DELIVERY_RETRY_MAX, counts: true }),
  );
  return 0;
}

interface Sending {
  readonly message: ClaimedMessage;
  readonly ready: readonly QueuedRecipient[];
  readonly ticket: Ticket;
}

/** Sends chunk after chunk until one is not taken. Undefined when there was nothing to send. */
async function sendAll(
  room: DeliveryRoom,
  { message, ready, ticket }: Sending,
): Promise<Handover | undefined | 'lost'> {
  let end: Handover | undefined;
  for (const chunk of chunks(ready, room.config.POSTAL_RECIPIENTS_PER_CALL)) {
    const ended = await sendChunk(room, message, chunk);
    if (ended === 'lost') return 'lost';
    if (!ended) continue;
    room.lane.report(ticket, ended);
    end = ended;
    if (ended.outcome !== 'accepted' && ended.outcome !== 'refused') break;
  }
  return end;
}

async function sendChunk(
  room: DeliveryRoom,
  message: ClaimedMessage,
  chunk: readonly QueuedRecipient[],
): Promise<Handover | undefined | 'lost'> {
  const { WORKER_LEASE: leaseMs, POSTAL_SETTLE_TIME: settleMs, POSTAL_TIMEOUT: timeoutMs } = room.config;
  const askedMs = room.clock.monotonicMs();
  const begun = await beginHandover(room.db, {
    id: message.id,
    attemptId: message.attemptId,
    positions: chunk.map(({ position }) => position),
    leaseMs,
    settleMs,
  });
  const frozenMs = room.clock.monotonicMs() - askedMs;
  if (!begun || frozenMs > leaseMs - timeoutMs) {
    room.figures.delivered('lost-lease', chunk.length);
    return 'lost';
  }
  const named = chunk.filter(({ position }) => begun.positions.includes(position));
  if (named.length === 0) return undefined;
  const handover = await send(room, message, { named, raw: begun.raw });
  await record(room, message, settle(handover, named));
  room.figures.delivered(handover.outcome, named.length);
  tell(room, message, handover);
  return handover;
}

async function send(
  room: DeliveryRoom,
  message: ClaimedMessage,
  { named, raw }: { readonly named: readonly QueuedRecipient[]; readonly raw: Buffer | undefined },
): Promise<Handover> {
  if (!raw) return { outcome: 'refused', reason: 'its body is no longer stored' };
  return room.postal.send({
    mailFrom: mailFromOf(room, message),
    rcptTo: named.map(({ address }) => address),
    raw,
    isBounce: message.mailFrom === '',
  });
}

function tell(room: DeliveryRoom, { id, attemptId }: ClaimedMessage, handover: Handover): void {
  const fields = { message_id: id, attempt_id: attemptId, outcome: handover.outcome };
  if (handover.outcome === 'accepted') room.log.debug('Postal took the message', fields);
  else room.log.warn('Postal did not take the message', { ...fields, reason: handover.reason });
}

function againAfter(room: DeliveryRoom, message: ClaimedMessage, end: Handover | undefined): Again {
  const {
    DELIVERY_RETRY_BASE: baseMs,
    DELIVERY_RETRY_MAX: mostMs,
    POSTAL_SETTLE_TIME: settleMs,
  } = room.config;
  switch (end?.outcome) {
    case undefined:
      return { inMs: 0, counts: false };
    case 'blocked':
      return { inMs: 0, counts: false };
    case 'busy': {
      const inMs = backoffMs(message.attempts + 1, { baseMs, mostMs }, room.random.fraction());
      return { inMs: Math.max(inMs, end.retryAfterMs ?? 0), counts: true };
    }
    default:
      return { inMs: settleMs, counts: true };
  }
}

function latest(all: readonly Again[]): Again {
  return { inMs: Math.max(...all.map(({ inMs }) => inMs)), counts: all.some(({ counts }) => counts) };
}

async function record(
  room: DeliveryRoom,
  message: ClaimedMessage,
  settlements: readonly Settlement[],
): Promise<void> {
  const entry: Record = { messageId: message.id, attemptId: message.attemptId, settlements };
  await recordSettlements(room, entry);
}
