import type { EventDetail, EventKind } from './event.ts';
import type { RecipientState } from './message.ts';
import { suppressedDetail, type Suppression } from './suppression.ts';

/** How one hand-over to Postal ended. What is certain and what is not are told apart, because nothing may be sent twice. */
export type Handover =
  | { readonly outcome: 'accepted'; readonly recipients: ReadonlyMap<string, PostalName> }
  /** Final: the same request would be refused for ever. */
  | { readonly outcome: 'refused'; readonly reason: string }
  /** Surely not at Postal; the same request may succeed later. */
  | { readonly outcome: 'busy'; readonly reason: string; readonly retryAfterMs?: number }
  /** Surely not at Postal, and nobody else's message would get through either. */
  | { readonly outcome: 'blocked'; readonly problem: LaneProblem; readonly reason: string }
  /** It may be at Postal or not. */
  | { readonly outcome: 'unclear'; readonly reason: string };

/** Why no message at all gets through to Postal. */
export type LaneProblem = 'unreachable' | 'invalid-key' | 'access-denied' | 'suspended' | 'wrong-host';

/** What Postal calls one recipient's copy of a message. */
export interface PostalName {
  readonly id: number;
  readonly token: string;
}

/** What a look-up in Postal's own database found for one recipient. */
export type Found =
  | { readonly at: 'postal'; readonly name: PostalName }
  /** Stored but never queued, because Postal died in between: it will never send it. */
  | { readonly at: 'orphan'; readonly name: PostalName }
  /** Stored so long ago that Postal may have queued it, begun to send it and tidied it away: nobody knows whether it went out. */
  | { readonly at: 'tidied'; readonly name: PostalName }
  | { readonly at: 'nowhere' };

/** One recipient as the queue knows it. */
export interface QueuedRecipient {
  readonly position: number;
  readonly address: string;
  readonly state: RecipientState;
  /** Why it gets no mail, where it is on the suppression list. */
  readonly suppressed: Pick<Suppression, 'reason' | 'scope'> | null;
  /** True while Postal has to be asked first: it may have had it before the database was restored. */
  readonly isOfEarlierEpoch: boolean;
  /** True where Postal was put back to before it may have had it: that it has no copy proves nothing. */
  readonly isForgottenAtPostal: boolean;
}

/** What becomes of one recipient after a hand-over. */
export interface Settlement {
  readonly position: number;
  readonly address: string;
  readonly state: RecipientState;
  readonly name?: PostalName;
  /** In the operator's words; empty when there is nothing to add. */
  readonly detail: string;
  /** What is told of it where its state alone is no event. */
  readonly event?: EventKind;
  /** What its event says besides. */
  readonly facts?: EventDetail;
}

/** A recipient on the suppression list is not sent to. */
export function suppress(
  { position, address }: QueuedRecipient,
  suppression: Pick<Suppression, 'reason' | 'scope'>,
): Settlement {
  const detail = `on the suppression list (${suppression.reason}); see: mailctl suppressions list`;
  return { position, address, state: 'suppressed', detail, facts: suppressedDetail(suppression) };
}

/** What one hand-over means for each recipient it named. A recipient that Postal's answer leaves out is uncertain. */
export function settle(
  handover: Handover,
  recipients: readonly Pick<QueuedRecipient, 'position' | 'address'>[],
): readonly Settlement[] {
  return recipients.map(({ position, address }) => ({ position, address, ...settleOne(handover, address) }));
}

function settleOne(handover: Handover, address: string): Omit<Settlement, 'position' | 'address'> {
  switch (handover.outcome) {
    case 'accepted': {
      const name = handover.recipients.get(address);
      if (name) return { state: 'accepted', name, detail: '' };
      return { state: 'uncertain', detail: "Postal's answer does not name this recipient" };
    }
    case 'refused':
      return { state: 'failed', detail: handover.reason };
    case 'busy':
      return { state: 'queued', detail: handover.reason, event: 'attempt_failed' };
    case 'blocked':
      return { state: 'queued', detail: handover.reason };
    case 'unclear':
      return { state: 'uncertain', detail: handover.reason };
  }
}

/** Splits what still needs to go into hand-overs of at most `size` recipients. */
export function chunks<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, at) => items.slice(at * size, (at + 1) * size));
}
