import { resolve } from 'node:path';

import type { Database } from '../../adapters/postgres.ts';
import { OperatorError } from '../../domain/failure.ts';
import { messageState } from '../../domain/message.ts';
import type { Runtime } from '../../runtime.ts';
import { sendingState } from '../../store/sending.ts';
import {
  findTraced,
  type FoundMessage,
  searchMessages,
  tracedDeliveries,
  tracedEvents,
  tracedRecipients,
  unreadWebhooks,
} from '../../store/trace.ts';
import type { ShownMessage, Trace } from './report.ts';
import type { Scene } from './scene.ts';
import { traceSetAside } from './set-aside.ts';
import { stuckAt } from './stuck.ts';
import { timelineOf } from './timeline.ts';

const mostOthers = 20;

/** Where the newest message of this id, Message-ID or recipient has been, and whether it is stuck. Throws `usage` when there is none. */
export async function traceMessage(
  { dir, clock, config, postgres, disk }: Runtime,
  text: string,
): Promise<Trace> {
  const { E2E_TIMEOUT: patienceMs, RELAY_JOURNAL_DIR: journal } = await config('operator');
  const stored = await traceStored(await postgres(), { text, now: clock.now(), patienceMs });
  const trace = stored ?? (await traceSetAside(await disk(), resolve(dir, journal), text));
  if (trace) return trace;
  throw notFound(text);
}

interface Asked {
  /** An id, a Message-ID or an address. */
  readonly text: string;
  readonly now: Date;
  readonly patienceMs: number;
}

async function traceStored(db: Database, asked: Asked): Promise<Trace | undefined> {
  const [newest, ...others] = await searchMessages(db, asked.text, 1 + mostOthers);
  const scene = newest && (await sceneOf(db, newest.id, asked));
  if (!scene) return undefined;
  return {
    message: shown(scene),
    timeline: timelineOf(scene),
    stuck: stuckAt(scene),
    others: others.map(shownOther),
  };
}

async function sceneOf(
  db: Database,
  id: string,
  { text, now, patienceMs }: Asked,
): Promise<Scene | undefined> {
  const message = await findTraced(db, id);
  if (!message) return undefined;
  const [all, events, deliveries, unread, sending] = await Promise.all([
    tracedRecipients(db, id),
    tracedEvents(db, id),
    tracedDeliveries(db, id),
    unreadWebhooks(db, message.postalKey),
    sendingState(db),
  ]);
  const asked = all.filter(({ address }) => address.toLowerCase() === text.toLowerCase());
  const recipients = asked.length > 0 ? asked : all;
  const concerns = ({ recipient }: { readonly recipient: string | null }) =>
    recipient === null || recipients.some(({ address }) => address === recipient);
  return {
    message,
    recipients,
    events: events.filter(concerns),
    deliveries: deliveries.filter(concerns),
    unread,
    sending,
    now,
    patienceMs,
  };
}

function shown({ message, recipients }: Scene): ShownMessage {
  return {
    id: message.id,
    aliases: message.aliases,
    state: messageState(recipients.map(({ state }) => state)),
    received_at: message.receivedAt.toISOString(),
    mail_from: message.mailFrom,
    header_message_id: message.headerMessageId,
    subject: message.subject,
    campaign: message.tag,
    attempts: message.attempts,
    next_attempt_at: message.nextAttemptAt?.toISOString() ?? null,
    recipients: recipients.map(({ address, state, detail, postalId, opens, clicks }) => ({
      address,
      state,
      detail,
      postal_id: postalId,
      opens,
      clicks,
    })),
  };
}

function shownOther({ id, state, receivedAt, subject }: FoundMessage): Trace['others'][number] {
  return { id, state, received_at: receivedAt.toISOString(), subject };
}

function notFound(text: string): OperatorError {
  return new OperatorError('usage', `no message has the id, Message-ID or recipient ${text}`, {
    hint: 'Write an id (msg_…), a Message-ID or a whole address. It may also still be on its way from the relay',
    field: 'message',
  });
}
