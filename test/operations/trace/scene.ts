import type { Scene } from '../../../src/operations/trace/scene.ts';
import type { Sending } from '../../../src/store/sending.ts';
import type {
  TracedDelivery,
  TracedEvent,
  TracedMessage,
  TracedRecipient,
  UnreadWebhook,
} from '../../../src/store/trace.ts';

/** The time of `minutes` after the message was received. */
export function minute(minutes: number): Date {
  return new Date(Date.UTC(2026, 0, 1, 12, minutes));
}

/** A recipient; queued unless it is said otherwise. */
export function recipient(changes: Partial<TracedRecipient> = {}): TracedRecipient {
  return {
    address: 'ann@example.test',
    state: 'queued',
    detail: null,
    postalId: null,
    opens: 0,
    clicks: 0,
    changedAt: minute(0),
    attemptId: null,
    heldUntil: null,
    ...changes,
  };
}

/** A webhook that was delivered unless it is said otherwise. */
export function delivery(changes: Partial<TracedDelivery> = {}): TracedDelivery {
  return {
    id: 'whd_1',
    kind: 'delivered',
    recipient: 'ann@example.test',
    state: 'delivered',
    attempts: 1,
    lastStatus: 200,
    lastError: null,
    createdAt: minute(1),
    nextAttemptAt: null,
    deliveredAt: minute(1),
    endpointId: 'whe_1',
    url: 'https://ams.example.test/hooks',
    pausedAt: null,
    disabledAt: null,
    disabledReason: null,
    ...changes,
  };
}

interface Changes {
  readonly message?: Partial<TracedMessage>;
  readonly recipients?: readonly TracedRecipient[];
  readonly events?: readonly TracedEvent[];
  readonly unread?: readonly UnreadWebhook[];
  readonly deliveries?: readonly TracedDelivery[];
  readonly sending?: Partial<Sending>;
  readonly now?: Date;
}

/** A message that waits for a worker, looked at half a minute after it came; a hop may take a minute. */
export function scene({ message, sending, now = minute(0.5), ...rest }: Changes = {}): Scene {
  return {
    message: {
      id: 'msg_1',
      receivedAt: minute(0),
      storedAt: minute(0),
      source: 'smtp',
      credentialId: 'usr_1',
      credential: 'ams',
      client: { name: 'ams.example.test', address: '192.0.2.1' },
      mailFrom: 'news@acme.test',
      headerMessageId: 'm@acme.test',
      subject: 'Hello',
      tag: null,
      sizeBytes: 100,
      postalKey: 'k'.repeat(20),
      nextAttemptAt: minute(0),
      leaseUntil: null,
      attempts: 0,
      aliases: [],
      ...message,
    },
    recipients: [recipient()],
    events: [],
    unread: [],
    deliveries: [],
    sending: {
      pausedAt: null,
      pausedUntil: null,
      pausedReason: null,
      blockedAt: null,
      blockedProblem: null,
      blockedReason: null,
      ...sending,
    },
    now,
    patienceMs: 60_000,
    ...rest,
  };
}
