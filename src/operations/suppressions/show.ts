import type { Database } from '../../adapters/postgres.ts';
import type { SuppressionReason } from '../../domain/suppression.ts';
import { listSuppressions, type StoredSuppression } from '../../store/suppressions.ts';

/** A suppression in the form of the report. Times are ISO 8601. */
export interface ShownSuppression {
  readonly address: string;
  /** Empty where it gets no mail at all, else the tag whose mail it does not get. */
  readonly scope: string;
  readonly reason: SuppressionReason;
  readonly evidence: string;
  readonly created_at: string;
  readonly expires_at: string | null;
}

export interface ShownSuppressions {
  readonly suppressions: readonly ShownSuppression[];
  /** For `--cursor`; null on the last page. */
  readonly next_cursor: string | null;
}

/** Which suppressions an operator means, as it was typed. */
export interface SuppressionFilter {
  readonly address?: string;
  readonly reason?: SuppressionReason;
  readonly scope?: string;
}

interface Page {
  readonly limit: number;
  readonly cursor: string | undefined;
}

/** The addresses that get no mail, by address and scope. */
export async function showSuppressions(
  db: Database,
  { address, reason, scope }: SuppressionFilter,
  { limit, cursor }: Page,
): Promise<ShownSuppressions> {
  const found = await listSuppressions(db, {
    address,
    scope,
    reason,
    after: cursor === undefined ? undefined : placeOf(cursor),
    limit: limit + 1,
  });
  const page = found.slice(0, limit);
  const last = found.length > limit ? page.at(-1) : undefined;
  return { suppressions: page.map(shown), next_cursor: last ? `${last.address} ${last.scope}`.trim() : null };
}

const recordsOfOneQuery = 1000;

/** Every suppression, for an export. */
export async function exportSuppressions(
  db: Database,
): Promise<{ readonly suppressions: readonly ShownSuppression[] }> {
  const all: StoredSuppression[] = [];
  let page: readonly StoredSuppression[];
  do {
    page = await listSuppressions(db, {
      address: undefined,
      reason: undefined,
      after: all.at(-1),
      limit: recordsOfOneQuery,
    });
    all.push(...page);
  } while (page.length === recordsOfOneQuery);
  return { suppressions: all.map(shown) };
}

function shown(one: StoredSuppression): ShownSuppression {
  return {
    address: one.address,
    scope: one.scope,
    reason: one.reason,
    evidence: one.evidence,
    created_at: one.createdAt.toISOString(),
    expires_at: one.expiresAt?.toISOString() ?? null,
  };
}

/** An address has no space; a scope may have. */
function placeOf(cursor: string): Pick<StoredSuppression, 'address' | 'scope'> {
  const [address = '', ...scope] = cursor.split(' ');
  return { address, scope: scope.join(' ') };
}
