import type { Database } from '../adapters/postgres.ts';
import type { Event } from '../domain/event.ts';
import { longestEvidence, type Suppression } from '../domain/suppression.ts';
import { queueReports } from '../store/bounce-reports.ts';
import { suppressFound } from '../store/suppressions.ts';

/** What is done about failures that Postal told of. */
export interface FailureRules {
  /** SUPPRESSION_BOUNCE_EXPIRY. */
  readonly bounceExpiryMs: number | undefined;
  /** BOUNCE_REPORT_HOLD. */
  readonly holdMs: number;
  readonly now: Date;
}

/**
 * Keeps mail from addresses that failed for good, and has the reports of bounces read. `events` are those that were recorded just now
 * in the transaction `within`, each `failed` one with its class.
 */
export async function drawConsequences(
  within: Database,
  events: readonly Event[],
  rules: FailureRules,
): Promise<void> {
  await suppressFound(
    within,
    events.flatMap((event) => suppressionOf(event, rules)),
  );
  const reported = events.flatMap(({ id, kind, detail }) => {
    const postalId = detail['bounce_postal_id'];
    return kind === 'bounced' && typeof postalId === 'number' ? [{ eventId: id, postalId }] : [];
  });
  await queueReports(within, reported, rules.holdMs);
}

/** The suppression of an address that is gone for good; none for any other class of failure. */
export function suppressionOf(
  { messageId, recipient, detail, kind }: Pick<Event, 'messageId' | 'recipient' | 'detail' | 'kind'>,
  { bounceExpiryMs, now }: Pick<FailureRules, 'bounceExpiryMs' | 'now'>,
): readonly Suppression[] {
  if (recipient === null || detail['bounce_class'] !== 'address') return [];
  const words = String(detail['report'] ?? detail['output'] ?? '');
  const expiresAt = bounceExpiryMs === undefined ? undefined : new Date(now.getTime() + bounceExpiryMs);
  const evidence = `${kind}, message ${messageId}: ${words}`.slice(0, longestEvidence);
  return [{ address: recipient.toLowerCase(), scope: '', reason: 'bounce', evidence, expiresAt }];
}
