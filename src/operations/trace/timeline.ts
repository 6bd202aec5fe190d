import type { EventDetail, EventKind } from '../../domain/event.ts';
import type { Hop } from '../../domain/hop.ts';
import type { TracedDelivery, TracedEvent, TracedRecipient, UnreadWebhook } from '../../store/trace.ts';
import type { Entry } from './report.ts';
import type { Scene } from './scene.ts';

interface Happened {
  readonly at: Date;
  readonly hop: Hop;
  readonly event: string;
  readonly recipient?: string | null;
  readonly detail: EventDetail;
}

/** Everything that happened to a message, from the client that submitted it to the webhooks about it, by time. */
export function timelineOf(scene: Scene): readonly Entry[] {
  const happened = [
    ...reception(scene),
    ...scene.events.filter(({ kind }) => kind !== 'received').flatMap(fromEvent),
    ...scene.recipients.flatMap((recipient) => openHandover(recipient, scene)),
    ...scene.unread.map(unread),
    ...scene.deliveries.map(delivery),
  ];
  return happened
    .toSorted((one, other) => one.at.getTime() - other.at.getTime())
    .map(({ at, recipient = null, ...entry }) => ({ ...entry, at: at.toISOString(), recipient }));
}

function reception({ message, recipients }: Scene): readonly Happened[] {
  const { source, client, credentialId, credential, mailFrom, sizeBytes } = message;
  const detail = {
    ...client,
    credential_id: credentialId,
    ...(credential !== null && { credential }),
    mail_from: mailFrom,
    recipients: recipients.length,
    size_bytes: sizeBytes,
  };
  return [
    { at: message.receivedAt, hop: source === 'smtp' ? 'relay' : 'http-api', event: 'received', detail },
    { at: message.storedAt, hop: 'api', event: 'stored', detail: {} },
  ];
}

const hopsOfEvents: Readonly<Partial<Record<EventKind, Hop>>> = {
  opened: 'tracking',
  clicked: 'tracking',
  scheduled: 'api',
};

/** What Postal told stands twice: when it happened there, and when its webhook came. */
function fromEvent({ kind, at, recipient, detail, ...told }: TracedEvent): readonly Happened[] {
  const isPostals = told.postalUuid !== null;
  const hop = hopsOfEvents[kind] ?? (isPostals ? 'postal' : 'worker');
  const happened: Happened = { at, hop, event: kind, recipient, detail };
  if (!told.webhook || !told.webhookReceivedAt) return [happened];
  const facts = { webhook: told.webhook, uuid: told.postalUuid };
  const received = { at: told.webhookReceivedAt, event: 'webhook received', recipient, detail: facts };
  return [happened, { ...received, hop: 'postal-webhook' }];
}

/** What leaves no event: a hand-over under way, and one that ended because nothing gets through to Postal. */
function openHandover(
  { address, state, detail, changedAt, attemptId }: TracedRecipient,
  { events }: Scene,
): readonly Happened[] {
  const entry = { at: changedAt, recipient: address } as const;
  if (state === 'sending') return [{ ...entry, hop: 'worker', event: 'sending', detail: {} }];
  const isTold = events.some(
    ({ kind, recipient, detail: facts }) =>
      kind === 'attempt_failed' && recipient === address && facts['attempt_id'] === attemptId,
  );
  if (state !== 'queued' || detail === null || isTold) return [];
  return [{ ...entry, hop: 'postal', event: 'not taken', detail: { reason: detail } }];
}

function unread({ uuid, event, state, reason, receivedAt }: UnreadWebhook): Happened {
  return {
    at: receivedAt,
    hop: 'postal-webhook',
    event: state === 'new' ? 'webhook waits' : 'webhook set aside',
    detail: { webhook: event, uuid, ...(reason !== null && { reason }) },
  };
}

const deliveryWords = {
  delivered: 'webhook sent',
  waiting: 'webhook waits',
  dead: 'webhook given up',
} as const;

function delivery(one: TracedDelivery): Happened {
  return {
    at: one.deliveredAt ?? one.createdAt,
    hop: 'ams-webhook',
    event: deliveryWords[one.state],
    recipient: one.recipient,
    detail: {
      type: `message.${one.kind}`,
      url: one.url,
      webhook_id: one.id,
      attempts: one.attempts,
      ...(one.lastStatus !== null && { last_status: one.lastStatus }),
      ...(one.lastError !== null && { last_error: one.lastError }),
      ...(one.state === 'waiting' && { next_attempt_at: one.nextAttemptAt?.toISOString() ?? null }),
    },
  };
}
