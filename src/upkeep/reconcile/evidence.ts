import type { Database } from '../../adapters/postgres.ts';
import type { EventKind } from '../../domain/event.ts';
import { kindsOfWebhooks } from '../../domain/postal-event.ts';
import { deliveryHappening, lostHappening, visitHappening } from '../../domain/postal-row.ts';
import { compare, type Findings, type Happening, type KeptWebhook } from '../../domain/reconciliation.ts';
import { ownerKey, toldOf } from '../../store/events.ts';
import type { PostalCopy } from '../../store/postal/happenings.ts';
import type { QueuedWebhooks } from '../../store/postal/webhook-history.ts';
import type { PostalRecipient } from '../../store/recipients.ts';
import type { Owners } from '../record-told.ts';

/** What Postal's side says of some messages. */
export interface Question {
  readonly copies: readonly PostalCopy[];
  /** Webhooks that Postal gave up, by the id of their message. */
  readonly kept: ReadonlyMap<number, readonly KeptWebhook[]>;
  readonly queued: QueuedWebhooks;
  readonly silentBefore: Date;
}

/** What the comparison found of one recipient's copy. */
export interface Found {
  readonly owner: PostalRecipient;
  readonly copy: PostalCopy;
  readonly findings: Findings;
}

/** Compares each copy that is of a recipient of ours with the events that are recorded of it. */
export async function examine(db: Database, owners: Owners, question: Question): Promise<readonly Found[]> {
  const owned = question.copies.flatMap((copy) => {
    const owner = owners.find(copy.message);
    return owner ? [{ owner, copy }] : [];
  });
  const told = await toldOf(
    db,
    owned.map(({ owner: { messageId, address } }) => ({ messageId, recipient: address })),
  );
  return owned.map(({ owner, copy }) => ({
    owner,
    copy,
    findings: compare({
      happenings: happeningsOf(copy, question.silentBefore),
      known: told.get(ownerKey({ messageId: owner.messageId, recipient: owner.address })) ?? [],
      kept: question.kept.get(copy.message.id) ?? [],
      queued: queuedKinds(copy, question.queued),
      silentBefore: question.silentBefore,
    }),
  }));
}

function happeningsOf(copy: PostalCopy, silentBefore: Date): readonly Happening[] {
  const shown = [
    ...copy.deliveries.map((row) => deliveryHappening(copy.message, row)),
    ...copy.visits.map((row) => visitHappening(copy.message, row)),
  ].filter((happening) => happening !== undefined);
  return isUnfinished(copy) ? [...shown, ...lost(copy, silentBefore)] : shown;
}

/** Postal would go on with it, and has it in no queue. */
function isUnfinished({ isQueued, status }: PostalCopy): boolean {
  return !isQueued && ['Pending', 'SoftFail', 'Error'].includes(status);
}

function lost({ message, deliveries, storedAt }: PostalCopy, silentBefore: Date): readonly Happening[] {
  const happening = lostHappening(message, deliveries, storedAt);
  return happening.at < silentBefore ? [happening] : [];
}

function queuedKinds({ message }: PostalCopy, { about }: QueuedWebhooks): ReadonlySet<EventKind> {
  return new Set(
    Object.entries(kindsOfWebhooks)
      .filter(([event]) => about.has(`${event} ${message.token}`))
      .map(([, kind]) => kind),
  );
}
