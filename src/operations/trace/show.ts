import type { Database } from '../../adapters/postgres.ts';
import { OperatorError } from '../../domain/failure.ts';
import { messageState } from '../../domain/message.ts';
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
import type { Scene, Stuck } from './scene.ts';
import { stuckAt } from './stuck.ts';
import { type Entry, timelineOf } from './timeline.ts';

/** A message in the form of the report. Times are ISO 8601. */
export interface ShownMessage {
  readonly id: string;
  /** Ids that it was given when its client sent it again. */
  readonly aliases: readonly string[];
  readonly state: string;
  readonly received_at: string;
  readonly mail_from: string;
  readonly header_message_id: string | null;
  readonly subject: string | null;
  readonly campaign: string | null;
  readonly attempts: number;
  readonly next_attempt_at: string | null;
  /** Where an address was asked for, this recipient alone. */
  readonly recipients: readonly {
    readonly address: string;
    readonly state: string;
    readonly detail: string | null;
    readonly postal_id: number | null;
    readonly opens: number;
    readonly clicks: number;
  }[];
}

export interface Trace {
  readonly message: ShownMessage;
  readonly timeline: readonly Entry[];
  readonly stuck: Stuck | null;
  /** What else was found, newest first. */
  readonly others: readonly {
    readonly id: string;
    readonly state: string;
    readonly received_at: string;
    readonly subject: string | null;
  }[];
}

const mostOthers = 20;

interface Asked {
  /** An id, a Message-ID or an address. */
  readonly text: string;
  readonly now: Date;
  /** How long a hop may take before it counts as stuck. */
  readonly patienceMs: number;
}

/** Where the newest message of this id, Message-ID or recipient has been, and whether it is stuck. Throws `usage` when there is none. */
export async function traceMessage(db: Database, asked: Asked): Promise<Trace> {
  const [newest, ...others] = await searchMessages(db, asked.text, 1 + mostOthers);
  const scene = newest && (await sceneOf(db, newest.id, asked));
  if (!scene) throw notFound(asked.text);
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
    hint: 'Write an id (msg_…), a Message-ID or a whole address. What the relay still keeps: mailctl journal list',
    field: 'message',
  });
}
