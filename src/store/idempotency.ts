import type { Database } from '../adapters/postgres.ts';

/** A request that its sender named with an Idempotency-Key. */
export interface NamedRequest {
  readonly credentialId: string;
  readonly key: string;
  /** SHA-256 over what was asked. */
  readonly digest: Uint8Array;
}

/** What is known of a named request. */
export type Known =
  | { readonly kind: 'new' }
  | { readonly kind: 'in-flight' }
  | { readonly kind: 'other-request' }
  | { readonly kind: 'answered'; readonly status: number; readonly response: unknown };

/**
 * Asks, inside the transaction that will do the work, whether a named request was answered since `since`. The key is locked until that
 * transaction ends: whoever crashes on the way leaves neither a lock nor half an answer, so the next attempt starts afresh.
 */
export async function lookUpRequest(within: Database, request: NamedRequest, since: Date): Promise<Known> {
  const { credentialId, key, digest } = request;
  const [lock] = await within.query<{ held: boolean }>(
    'select pg_try_advisory_xact_lock(hashtextextended($1, 7)) as held',
    [`${credentialId} ${key}`],
  );
  if (!lock?.held) return { kind: 'in-flight' };
  const [row] = await within.query<{ request_sha256: Buffer; status: number; response: unknown }>(
    'select request_sha256, status, response from idempotency_keys where credential_id = $1 and key = $2 and created_at > $3',
    [credentialId, key, since],
  );
  if (!row) return { kind: 'new' };
  if (!row.request_sha256.equals(digest)) return { kind: 'other-request' };
  return { kind: 'answered', status: row.status, response: row.response };
}

/** Keeps the answer to a named request, in the transaction that did the work; an outdated one is replaced. */
export async function keepAnswer(
  within: Database,
  { credentialId, key, digest }: NamedRequest,
  answer: { readonly at: Date; readonly status: number; readonly response: unknown },
): Promise<void> {
  await within.change(
    `insert into idempotency_keys (credential_id, key, request_sha256, created_at, status, response)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (credential_id, key) do update set request_sha256 = excluded.request_sha256,
       created_at = excluded.created_at, status = excluded.status, response = excluded.response`,
    [credentialId, key, Buffer.from(digest), answer.at, answer.status, JSON.stringify(answer.response)],
  );
}

/** Forgets the answers given before `before`; returns how many. */
export async function forgetAnswers(db: Database, before: Date): Promise<number> {
  return db.change('delete from idempotency_keys where created_at <= $1', [before]);
}
