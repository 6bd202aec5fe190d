import type { Found } from './delivery.ts';

/** What is known of mail that a restored database believes unsent: it went out or is settled, it did not, or nobody knows. */
export type Verdict = 'settled' | 'not-sent' | 'unknown';

/** What may be known of one recipient; `undefined` where nothing can be asked. */
export interface RecipientEvidence {
  /** Its state in the database that the restored one took the place of; `absent` where that one never had it. */
  readonly before: string | undefined;
  /** In a Postal that knows the time since the dump. */
  readonly postal: Found['at'] | undefined;
}

const settledBefore: readonly unknown[] = [
  'accepted',
  'delayed',
  'delivered',
  'bounced',
  'failed',
  'suppressed',
  'cancelled',
];
const neverHandedOver: readonly unknown[] = ['queued', 'scheduled', 'held', 'absent'];

/** True for a state after which nothing of ours is sent any more. */
export function isSettled(state: string | undefined): boolean {
  return settledBefore.includes(state);
}

/** Judges a recipient of ours. A doubt stays a doubt: only what is proven is sent or taken out. */
export function judgeRecipient({ before, postal }: RecipientEvidence): Verdict {
  if (postal === 'postal' || isSettled(before)) return 'settled';
  if (postal !== undefined || neverHandedOver.includes(before)) return 'not-sent';
  return 'unknown';
}

/** What may be known of one row of Postal's queue. */
export interface QueueRowEvidence {
  /** In the Postal that the restored one took the place of: it waits, a worker had it in hand, or it left the queue. */
  readonly before: 'waiting' | 'in-hand' | 'gone' | 'unheard-of' | undefined;
  /** What our own database knows by Postal's webhooks. */
  readonly own: string | undefined;
}

const final: readonly unknown[] = ['delivered', 'bounced', 'failed'];

/** Judges a row of Postal's queue. */
export function judgeQueueRow({ before, own }: QueueRowEvidence): Verdict {
  if (before === 'gone' || final.includes(own)) return 'settled';
  return before === 'waiting' ? 'not-sent' : 'unknown';
}
