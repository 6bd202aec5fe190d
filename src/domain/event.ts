import type { Id } from './id.ts';
import type { RecipientState } from './message.ts';

/** What can happen to a message or one recipient. AMS hears of those that are told, as `message.<kind>`. */
export const eventKinds = {
  received: { told: false, means: 'the relay or the api accepted the message' },
  scheduled: { told: true, means: 'it waits for its send time' },
  accepted: { told: true, means: 'Postal took it for this recipient' },
  attempt_failed: {
    told: false,
    means: 'Postal did not take it this time, which is not final; the worker tries again',
  },
  delivered: { told: true, means: "the recipient's server took it" },
  delayed: { told: true, means: 'a temporary failure; Postal tries again' },
  held: { told: true, means: 'held until an operator releases it' },
  requeued: { told: false, means: 'an operator released it, or had it tried again' },
  failed: { told: true, means: 'it could not be delivered' },
  bounced: { told: true, means: 'a report came back after delivery; one of a delay changes no state' },
  opened: { told: true, means: 'the tracking pixel was loaded' },
  clicked: { told: true, means: 'a tracked link was followed' },
  complained: { told: true, means: 'its recipient reported it to their provider as unwanted' },
  unsubscribed: { told: true, means: 'its recipient used the one-click link' },
  uncertain: { told: true, means: 'a hand-over ended without a clear answer' },
  suppressed: { told: true, means: 'not sent: the address is on the suppression list' },
  cancelled: { told: true, means: 'taken out before it was sent, or left on hold at Postal for too long' },
} as const satisfies Record<string, { told: boolean; means: string }>;

export type EventKind = keyof typeof eventKinds;

/** Facts beside the kind, such as a remote server's reply; what AMS is shown as `detail`. */
export type EventDetail = Readonly<Record<string, string | number | boolean | null>>;

/** One thing that happened. `at` is the time of whom it happened to: Postal's where Postal told it. */
export interface Event {
  readonly id: Id<'evt'>;
  readonly messageId: string;
  /** Null where it concerns the whole message. */
  readonly recipient: string | null;
  readonly kind: EventKind;
  readonly at: Date;
  /** The uuid of Postal's webhook; null where we are the source. */
  readonly postalUuid: string | null;
  /** The row of Postal's that it was made from because no webhook told of it; `postalUuid` is made up then. */
  readonly derivedFrom?: string | null;
  readonly detail: EventDetail;
}

/** What the fold needs to know of an event that Postal told. */
export type Told = Pick<Event, 'kind' | 'at'> & { readonly uuid: string; readonly detail?: EventDetail };

/** What Postal's events say of one recipient: the one that gives its state, if any does, and how often it opened and clicked. */
export interface Standing<T extends Told> {
  readonly latest: (T & { readonly state: RecipientState }) | undefined;
  readonly opens: number;
  readonly clicks: number;
}

const reported = {
  delayed: 1,
  held: 2,
  cancelled: 3,
  failed: 4,
  delivered: 5,
  bounced: 6,
} as const satisfies Partial<Record<EventKind & RecipientState, number>>;

/**
 * Folds what Postal told of one recipient, in whatever order and however often it arrived: the latest by (Postal's time, rank,
 * uuid) is its state; opens and clicks count distinct events. A report that came back and only tells of a delay changes no state: the
 * recipient's server has the message.
 */
export function standing<T extends Told>(told: readonly T[]): Standing<T> {
  const events = [...new Map(told.map((event) => [event.uuid, event])).values()];
  const latest = events
    .toSorted(byTruth)
    .findLast((event) => isReported(event.kind) && !isDelayReport(event));
  return {
    latest: latest && isReported(latest.kind) ? { ...latest, state: latest.kind } : undefined,
    opens: events.filter((event) => event.kind === 'opened').length,
    clicks: events.filter((event) => event.kind === 'clicked').length,
  };
}

function byTruth(left: Told, right: Told): number {
  return (
    left.at.getTime() - right.at.getTime() ||
    rankOf(left.kind) - rankOf(right.kind) ||
    (left.uuid < right.uuid ? -1 : 1)
  );
}

function rankOf(kind: EventKind): number {
  return isReported(kind) ? reported[kind] : 0;
}

function isDelayReport({ kind, detail }: Told): boolean {
  return kind === 'bounced' && detail?.['bounce_class'] === 'delay';
}

function isReported(kind: EventKind): kind is keyof typeof reported {
  return kind in reported;
}
