import type { Database } from '../adapters/postgres.ts';
import type { Suppression, SuppressionReason } from '../domain/suppression.ts';

/** A suppression as it is stored. */
export interface StoredSuppression extends Suppression {
  readonly createdAt: Date;
}

interface Row extends Record<string, unknown> {
  readonly address: string;
  readonly scope: string;
  readonly reason: SuppressionReason;
  readonly evidence: string | null;
  readonly created_at: Date;
  readonly expires_at: Date | null;
}

const columns = 'address, scope, reason, evidence, created_at, expires_at';

/** Adds suppressions, or renews those that are there; returns how many were new. In their order, so that two lists at once wait for each other. */
export async function addSuppressions(db: Database, list: readonly Suppression[]): Promise<number> {
  const unique = [...new Map(list.map((one) => [`${one.address} ${one.scope}`, one])).values()];
  const rows = await db.query<{ fresh: boolean }>(
    `insert into suppressions (address, scope, reason, evidence, expires_at)
     select lower(address), scope, reason, nullif(evidence, ''), expires_at
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
       as t (address, scope, reason, evidence, expires_at)
     order by 1, 2
     on conflict (address, scope) do update set reason = excluded.reason, evidence = excluded.evidence,
       expires_at = excluded.expires_at
     returning xmax = 0 as fresh`,
    [
      unique.map(({ address }) => address),
      unique.map(({ scope }) => scope),
      unique.map(({ reason }) => reason),
      unique.map(({ evidence }) => evidence),
      unique.map(({ expiresAt }) => expiresAt),
    ],
  );
  return rows.filter(({ fresh }) => fresh).length;
}

/**
 * Adds what the platform found out by itself. It never shortens or weakens what is there: one without an end keeps it, and a bounce
 * takes the place of nothing but a bounce.
 */
export async function suppressFound(db: Database, list: readonly Suppression[]): Promise<void> {
  const unique = [...new Map(list.map((one) => [`${one.address} ${one.scope}`, one])).values()];
  if (unique.length === 0) return;
  await db.change(
    `insert into suppressions as s (address, scope, reason, evidence, expires_at)
     select lower(address), scope, reason, nullif(evidence, ''), expires_at
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
       as t (address, scope, reason, evidence, expires_at)
     order by 1, 2
     on conflict (address, scope) do update set reason = excluded.reason, evidence = excluded.evidence,
       expires_at = excluded.expires_at, created_at = now()
     where s.expires_at <= now()
       or (excluded.reason <> 'bounce' and (s.reason = 'bounce' or s.expires_at is not null))
       or (excluded.reason = 'bounce' and s.reason = 'bounce' and coalesce(excluded.expires_at, 'infinity') > s.expires_at)`,
    [
      unique.map(({ address }) => address),
      unique.map(({ scope }) => scope),
      unique.map(({ reason }) => reason),
      unique.map(({ evidence }) => evidence),
      unique.map(({ expiresAt }) => expiresAt),
    ],
  );
}

/** Takes an address off the list, in one scope. False when it was not on it. */
export async function removeSuppression(db: Database, address: string, scope: string): Promise<boolean> {
  const removed = await db.change('delete from suppressions where address = lower($1) and scope = $2', [
    address,
    scope,
  ]);
  return removed > 0;
}

/** One suppression, also one that has expired. */
export async function findSuppression(
  db: Database,
  { address, scope }: Pick<Suppression, 'address' | 'scope'>,
): Promise<StoredSuppression | undefined> {
  const [row] = await db.query<Row>(
    `select ${columns} from suppressions where address = lower($1) and scope = $2`,
    [address, scope],
  );
  return row && toSuppression(row);
}

export interface SuppressionPage {
  readonly address: string | undefined;
  readonly reason: SuppressionReason | undefined;
  /** Empty is the one of all mail. */
  readonly scope?: string | undefined;
  /** The last of the page before. */
  readonly after: Pick<Suppression, 'address' | 'scope'> | undefined;
  readonly limit: number;
}

/** Suppressions that have not expired, by address and scope. */
export async function listSuppressions(
  db: Database,
  page: SuppressionPage,
): Promise<readonly StoredSuppression[]> {
  const rows = await db.query<Row>(
    `select ${columns} from suppressions
     where (expires_at is null or expires_at > now())
       and ($1::text is null or address = lower($1)) and ($2::text is null or reason = $2)
       and ($3::text is null or (address, scope) > ($3, $4::text)) and ($6::text is null or scope = $6)
     order by address, scope limit $5`,
    [page.address, page.reason, page.after?.address, page.after?.scope, page.limit, page.scope],
  );
  return rows.map(toSuppression);
}

/** A recipient, and the tag of its message. */
export interface Addressed {
  readonly address: string;
  readonly tag: string | undefined;
}

/** For each recipient, in their order, what keeps mail from it, if anything does. */
export async function suppressionsOf(
  db: Database,
  recipients: readonly Addressed[],
): Promise<readonly (StoredSuppression | undefined)[]> {
  const rows = await db.query<Row & { place: number }>(
    `select distinct on (place) place::integer, ${columns}
     from unnest($1::text[], $2::text[]) with ordinality as r (recipient, tag, place)
     join suppressions s on s.address = lower(r.recipient) and s.scope in ('', r.tag)
     where s.expires_at is null or s.expires_at > now()
     order by place, scope`,
    [recipients.map(({ address }) => address), recipients.map(({ tag }) => tag ?? '')],
  );
  const found = new Map(rows.map((row) => [row.place, toSuppression(row)]));
  return recipients.map((_, place) => found.get(place + 1));
}

/** Deletes what expired before now; returns how many. */
export async function forgetExpiredSuppressions(db: Database): Promise<number> {
  return db.change('delete from suppressions where expires_at <= now()');
}

function toSuppression(row: Row): StoredSuppression {
  return {
    address: row.address,
    scope: row.scope,
    reason: row.reason,
    evidence: row.evidence ?? '',
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
  };
}
