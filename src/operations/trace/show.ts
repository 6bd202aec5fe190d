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
import { findJournal } from '../journal/records.ts';
import { traceBacklog } from './backlog.ts';
import type { FoundTrace, Other, ShownMessage } from './report.ts';
import type { Scene } from './scene.ts';
import { traceSetAside } from './set-aside.ts';
import { relayObstacle, stuckAtRelay } from './stuck-at-relay.ts';
import { stuckAt } from './stuck.ts';
import { timelineOf } from './timeline.ts';

const mostOthers = 20;

/** A message that was found, and what could not be asked for it. */
export interface Traced {
  readonly trace: FoundTrace;
  readonly warnings: readonly string[];
}

/**
 * Where the newest message of this id, Message-ID or recipient has been, and whether it is stuck. Throws `check-failed` when there is
 * none while accepted mail is stuck at the relay, else `usage`, or why PostgreSQL cannot be asked.
 */
export async function traceMessage(world: Runtime, text: string): Promise<Traced> {
  const { stored, away } = await askPostgres(world, text);
  const { aside, waiting, warnings } = await askJournal(world, text);
  const trace = newestOf(stored, [...aside, ...waiting]);
  if (!trace) throw (await stuckAtRelay(world, { text, away })) ?? away ?? notFound(text, warnings);
  const isWaiting = waiting.some(({ message }) => message.id === trace.message.id);
  const stuck = isWaiting ? ((await relayObstacle(world, away))?.stuck ?? null) : trace.stuck;
  const notAsked = away ? [`only what lies at the relay was looked through: ${away.message}`] : [];
  return { trace: { ...trace, stuck }, warnings: [...notAsked, ...warnings] };
}

interface AtRelay {
  /** What the api refused. */
  readonly aside: readonly FoundTrace[];
  /** What the api does not have yet. */
  readonly waiting: readonly FoundTrace[];
  readonly warnings: readonly string[];
}

/** Nothing where this machine has no journal that may be read. */
async function askJournal(world: Runtime, text: string): Promise<AtRelay> {
  const files = await findJournal(world).catch((cause: unknown) => {
    if (!(cause instanceof OperatorError)) throw cause;
    return undefined;
  });
  if (!files) return { aside: [], waiting: [], warnings: [] };
  const { RELAY_TRACE_BYTES: mostBytes } = await world.config('operator');
  const limit = 1 + mostOthers;
  const aside = await traceSetAside(files, text, limit);
  const { traces: waiting, warnings } = await traceBacklog(files, { text, limit, mostBytes });
  return { aside, waiting: waiting.filter(isNoneOf(aside)), warnings };
}

/** A record that was set aside, or handed back, may still stand before what is settled. */
function isNoneOf(others: readonly FoundTrace[]): (trace: FoundTrace) => boolean {
  const ids = new Set(others.map(({ message }) => message.id));
  return ({ message }) => !ids.has(message.id);
}

interface Answer {
  readonly stored: FoundTrace | undefined;
  /** Why it could not be asked. */
  readonly away: OperatorError | undefined;
}

async function askPostgres({ clock, config, postgres }: Runtime, text: string): Promise<Answer> {
  const { E2E_TIMEOUT: patienceMs } = await config('operator');
  try {
    const stored = await traceStored(await postgres(), { text, now: clock.now(), patienceMs });
    return { stored, away: undefined };
  } catch (cause) {
    if (!(cause instanceof OperatorError)) throw cause;
    return { stored: undefined, away: cause };
  }
}

/** One that is stored lies at the relay no more, though it may still be there. */
function newestOf(stored: FoundTrace | undefined, atRelay: readonly FoundTrace[]): FoundTrace | undefined {
  const known = new Set([stored?.message, ...(stored?.others ?? [])].map((message) => message?.id));
  const traces = [...(stored ? [stored] : []), ...atRelay.filter(({ message }) => !known.has(message.id))];
  const [newest, ...older] = traces.toSorted((one, other) => byAge(one.message, other.message));
  if (!newest) return undefined;
  const others = [...older.map(({ message }) => asOther(message)), ...(stored?.others ?? [])];
  return { ...newest, others: others.toSorted(byAge).slice(0, mostOthers) };
}

/** Ids sort by time. */
function byAge(one: Other, other: Other): number {
  return one.id < other.id ? 1 : -1;
}

function asOther({ id, state, received_at, subject }: ShownMessage): Other {
  return { id, state, received_at, subject };
}

interface Asked {
  /** An id, a Message-ID or an address. */
  readonly text: string;
  readonly now: Date;
  readonly patienceMs: number;
}

async function traceStored(db: Database, asked: Asked): Promise<FoundTrace | undefined> {
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

function shownOther({ id, state, receivedAt, subject }: FoundMessage): Other {
  return { id, state, received_at: receivedAt.toISOString(), subject };
}

function notFound(text: string, warnings: readonly string[]): OperatorError {
  const hint = 'Write an id (msg_…), a Message-ID or a whole address';
  return new OperatorError('usage', `no message has the id, Message-ID or recipient ${text}`, {
    hint: [hint, ...warnings].join('; '),
    field: 'message',
  });
}
