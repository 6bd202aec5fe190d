import type { Found } from './delivery.ts';

/** What is known of mail that a restored database believes unsent: it went out or is settled, it did not, or nobody knows. */
export type Verdict = 'settled' | 'not-sent' | 'unknown';

/** What became of a message in a Postal that was replaced: it waits, a worker had it in hand, it left the queue, or it never came there. */
export type Fate = 'waiting' | 'in-hand' | 'gone' | 'unheard-of';

/** What may be known of one recipient; `undefined` where nothing can be asked. */
export interface RecipientEvidence {
  /** Its state in the database that the restored one took the place of; `absent` where that one never had it. */
  readonly before: string | undefined;
  /** In the Postal that goes on from here; `waiting` in the queue of a restored one, where its row is judged for itself. */
  readonly postal: Found['at'] | 'waiting' | undefined;
  /** In the Postal that was replaced; `same` where none was, and the one that goes on knows all. */
  readonly past: Fate | 'same' | undefined;
}

const finalBefore: readonly unknown[] = ['delivered', 'bounced', 'failed', 'suppressed', 'cancelled'];
const atPostalBefore: readonly unknown[] = ['accepted', 'delayed'];
const neverHandedOver: readonly unknown[] = ['queued', 'scheduled', 'held', 'absent'];

/** True for a state after which nothing of ours is sent any more. */
export function isSettled(state: string | undefined): boolean {
  return finalBefore.includes(state) || atPostalBefore.includes(state);
}

/** Judges a recipient of ours. A doubt stays a doubt: only what is proven is sent or taken out. */
export function judgeRecipient({ before, postal, past }: RecipientEvidence): Verdict {
  if (postal === 'postal' || finalBefore.includes(before)) return 'settled';
  if (postal === 'waiting') return past === 'gone' || past === 'waiting' ? 'settled' : 'unknown';
  if (past !== 'same') return judgeForgotten(before, past);
  return judgeKnown(before, postal);
}

/** Of what the Postal that lived on knows all about. */
function judgeKnown(before: string | undefined, postal: Found['at'] | undefined): Verdict {
  if (atPostalBefore.includes(before)) return 'settled';
  if (postal === 'tidied') return 'unknown';
  return postal !== undefined || neverHandedOver.includes(before) ? 'not-sent' : 'unknown';
}

/** Of what Postal had taken and a restored one has forgotten, the Postal that was replaced says whether it had gone out by then. */
function judgeForgotten(before: string | undefined, past: Fate | undefined): Verdict {
  if (past === 'gone') return 'settled';
  if (past === 'waiting') return 'not-sent';
  if (past === 'in-hand') return 'unknown';
  if (past === 'unheard-of') return atPostalBefore.includes(before) ? 'settled' : 'not-sent';
  return neverHandedOver.includes(before) ? 'not-sent' : 'unknown';
}

/** What may be known of one row of Postal's queue. */
export interface QueueRowEvidence {
  /** In the Postal that the restored one took the place of. */
  readonly before: Fate | undefined;
  /** What our own database knows by Postal's webhooks. */
  readonly own: string | undefined;
}

const final: readonly unknown[] = ['delivered', 'bounced', 'failed'];

/** Judges a row of Postal's queue. */
export function judgeQueueRow({ before, own }: QueueRowEvidence): Verdict {
  if (before === 'gone' || final.includes(own)) return 'settled';
  return before === 'waiting' ? 'not-sent' : 'unknown';
}
