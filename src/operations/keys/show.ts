import type { Database } from '../../adapters/postgres.ts';
import { OperatorError } from '../../domain/failure.ts';
import { isId } from '../../domain/id.ts';
import { formatRequestRate } from '../../domain/request-rate.ts';
import { type ApiKey, findApiKey, listApiKeys } from '../../store/api-keys.ts';

/** A key as it is shown; its secret is not stored anywhere. Times are ISO 8601. */
export interface ShownKey {
  readonly id: string;
  readonly kind: 'api';
  readonly name: string;
  readonly scopes: readonly string[];
  readonly state: 'active' | 'expired' | 'revoked';
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly last_used_at: string | null;
  /** CIDR; none means from anywhere. */
  readonly networks: readonly string[];
  /** Such as `100/1m`; null means the rate of all keys. */
  readonly rate: string | null;
}

/** Every API key, newest first. */
export async function showKeys(db: Database, now: Date): Promise<{ keys: readonly ShownKey[] }> {
  return { keys: (await listApiKeys(db)).map((key) => shown(key, now)) };
}

/** One API key. Throws `usage` when there is none of this id. */
export async function showKey(db: Database, now: Date, id: string): Promise<{ keys: readonly ShownKey[] }> {
  return { keys: [shown(await requireKey(db, id), now)] };
}

/** The stored key. Throws `usage` when there is none of this id. */
export async function requireKey(db: Database, id: string): Promise<ApiKey> {
  const key = isId('mk', id) ? await findApiKey(db, id) : undefined;
  if (key) return key;
  throw new OperatorError('usage', `there is no key ${id}`, {
    hint: 'See which there are: mailctl keys list',
    field: 'id',
  });
}

/** A key in the form of the report. */
export function shown(key: Omit<ApiKey, 'digest'>, now: Date): ShownKey {
  return {
    id: key.id,
    kind: 'api',
    name: key.name,
    scopes: key.scopes,
    state: stateOf(key, now),
    created_at: key.createdAt.toISOString(),
    expires_at: key.expiresAt?.toISOString() ?? null,
    last_used_at: key.lastUsedAt?.toISOString() ?? null,
    networks: key.networks,
    rate: key.rate ? formatRequestRate(key.rate) : null,
  };
}

function stateOf(
  { revokedAt, expiresAt }: Pick<ApiKey, 'revokedAt' | 'expiresAt'>,
  now: Date,
): ShownKey['state'] {
  if (revokedAt && revokedAt <= now) return 'revoked';
  return expiresAt && expiresAt <= now ? 'expired' : 'active';
}
