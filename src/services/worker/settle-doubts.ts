import type { QueuedRecipient, Settlement } from '../../domain/delivery.ts';
import type { ClaimedMessage } from '../../store/claim.ts';
import { noteLookUp } from '../../store/epoch.ts';
import { adoptDoubts } from '../../store/recipients.ts';
import { retryMs } from './again.ts';
import type { DeliveryRoom } from './delivery-room.ts';
import { decideDoubts, type Decisions, doubtful } from './doubt.ts';
import { type Again, recordSettlements } from './record.ts';

/** Recipients that may be sent after all, and when to ask again about those that nobody could decide. */
export interface Doubts {
  readonly released: readonly QueuedRecipient[];
  readonly again: Again;
}

const none: Doubts = { released: [], again: { inMs: 0, counts: false } };

/** Decides what earlier hand-overs of a claimed message left without a clear answer, and writes the decisions down. */
export async function settleDoubts(
  room: DeliveryRoom,
  message: ClaimedMessage,
  mailFrom: string,
): Promise<Doubts> {
  const recipients = doubtful(message);
  if (recipients.length === 0) return none;
  const attempt = { messageId: message.id, attemptId: message.attemptId };
  const positions = recipients.map(({ position }) => position);
  const restMs = untilSettled(room, message);
  if (restMs > 0) return { released: [], again: { inMs: restMs, counts: false } };
  if ((await adoptDoubts(room.db, { ...attempt, positions })) === 0) return none;
  const lost = recipients.filter(({ state }) => state === 'sending').map(lostWithWorker);
  await recordSettlements(room, { ...attempt, settlements: lost });
  const decisions = await decide(room, message.id, { mailFrom, recipients });
  if (!decisions) return { released: [], again: askAgain(room, message.attempts) };
  await recordSettlements(room, { ...attempt, settlements: decisions.abandoned });
  await recordSettlements(room, { ...attempt, settlements: decisions.settlements });
  await noteLookUp(room.db, { ...attempt, positions });
  const released = new Set(
    decisions.settlements.filter(({ state }) => state === 'queued').map(({ position }) => position),
  );
  return { ...none, released: recipients.filter(({ position }) => released.has(position)) };
}

/** How long Postal may still be working on what it was sent. */
function untilSettled(room: DeliveryRoom, message: ClaimedMessage): number {
  const watched = room.lookUp ? room.pulse.restMs() : 0;
  return Math.max(untilEpochSettled(room, message), room.databaseClock.restMs(), watched);
}

/** A worker of the epoch before may have begun a hand-over right at its end: Postal may go on with it for so long. */
function untilEpochSettled(room: DeliveryRoom, { epochAgeMs, recipients }: ClaimedMessage): number {
  if (epochAgeMs === null || !recipients.some(({ isOfEarlierEpoch }) => isOfEarlierEpoch)) return 0;
  return room.config.POSTAL_TIMEOUT + room.config.POSTAL_SETTLE_TIME - epochAgeMs;
}

function askAgain(room: DeliveryRoom, attempts: number): Again {
  return { inMs: retryMs(room, attempts + 1), counts: true };
}

function lostWithWorker({ position, address }: QueuedRecipient): Settlement {
  return {
    position,
    address,
    state: 'uncertain',
    detail: 'the worker that was handing it over ended without an answer',
  };
}

interface Asked {
  readonly mailFrom: string;
  readonly recipients: readonly QueuedRecipient[];
}

async function decide(room: DeliveryRoom, messageId: string, asked: Asked): Promise<Decisions | undefined> {
  try {
    return await decideDoubts({ ...asked, policy: room.config.POSTAL_UNCERTAIN_POLICY, lookUp: room.lookUp });
  } catch (error) {
    room.log.warn("Postal's database cannot be asked; what is uncertain waits", {
      message_id: messageId,
      error,
    });
    return undefined;
  }
}
