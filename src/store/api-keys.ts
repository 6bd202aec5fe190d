import type { Database } from '../adapters/postgres.ts';
import type { Scope } from '../domain/api-key.ts';
import type { Id } from '../domain/id.ts';
import type { RequestRate } from '../domain/request-rate.ts';

/** What bounds the use of a key beside its scopes and its end. */
export interface KeyBounds {
  /** CIDR; none means from anywhere. */
  readonly networks: readonly string[];
  /** Instead of the rate of all keys. */
  readonly rate: RequestRate | undefined;
}

/** An API key as it is stored: its secret is not there. */
export interface ApiKey extends KeyBounds {
  readonly id: Id<'mk'>;
  readonly name: string;
  readonly digest: Uint8Array;
  readonly scopes: readonly string[];
  readonly createdAt: Date;
  readonly expiresAt: Date | undefined;
  readonly revokedAt: Date | undefined;
  readonly lastUsedAt: Date | undefined;
}

/** A key as it is made; a bound that is not named does not bind. */
export interface NewApiKey extends Partial<KeyBounds> {
  readonly id: Id<'mk'>;
  readonly name: string;
  readonly digest: Uint8Array;
  readonly scopes: readonly Scope[];
  readonly expiresAt: Date | undefined;
}

type Row = Record<'id' | 'name', string> & {
  readonly secret_sha256: Uint8Array;
  readonly scopes: string[];
  readonly created_at: Date;
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
  readonly last_used_at: Date | null;
  readonly networks: string[];
  readonly rate_requests: number | null;
  readonly rate_period_ms: number | null;
};

const columns = `id, name, secret_sha256, scopes, created_at, expires_at, revoked_at, last_used_at,
  networks, rate_requests, rate_period_ms::float as rate_period_ms`;

/** The key with this id, also when it has expired or was revoked. */
export async function findApiKey(db: Database, id: Id<'mk'>): Promise<ApiKey | undefined> {
  const [row] = await db.query<Row>(`select ${columns} from api_keys where id = $1`, [id]);
  return row && toApiKey(row);
}

/** All keys, newest first. */
export async function listApiKeys(db: Database): Promise<readonly ApiKey[]> {
  return (await db.query<Row>(`select ${columns} from api_keys order by id desc`)).map(toApiKey);
}

/** Stores a new key. */
export async function insertApiKey(db: Database, key: NewApiKey): Promise<void> {
  await db.change(
    `insert into api_keys (id, name, secret_sha256, scopes, expires_at, networks, rate_requests, rate_period_ms)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      key.id,
      key.name,
      Buffer.from(key.digest),
      key.scopes,
      key.expiresAt,
      key.networks ?? [],
      key.rate?.requests,
      key.rate?.periodMs,
    ],
  );
}

/** Moves the end of a key forward to `at`; one that ends earlier keeps its end. False when there is no such key. */
export async function expireApiKey(db: Database, id: Id<'mk'>, at: Date): Promise<boolean> {
  const changed = await db.change(
    'update api_keys set expires_at = least(expires_at, $2) where id = $1 and revoked_at is null',
    [id, at],
  );
  return changed > 0;
}

/** Ends a key at once. False when there is no such key or it was revoked before. */
export async function revokeApiKey(db: Database, id: Id<'mk'>, at: Date): Promise<boolean> {
  const changed = await db.change(
    'update api_keys set revoked_at = $2 where id = $1 and revoked_at is null',
    [id, at],
  );
  return changed > 0;
}

/** Records when keys were last used; a later time that is there already stays. */
export async function recordKeyUse(db: Database, uses: ReadonlyMap<string, Date>): Promise<void> {
  if (uses.size === 0) return;
  await db.change(
    `update api_keys set last_used_at = greatest(last_used_at, used.at)
     from unnest($1::text[], $2::timestamptz[]) as used (id, at) where api_keys.id = used.id`,
    [[...uses.keys()], [...uses.values()]],
  );
}

function toApiKey(row: Row): ApiKey {
  return {
    id: `mk_${row.id.slice(3)}`,
    name: row.name,
    digest: row.secret_sha256,
    scopes: row.scopes,
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
    lastUsedAt: row.last_used_at ?? undefined,
    networks: row.networks,
    rate: rateOf(row),
  };
}

function rateOf({ rate_requests: requests, rate_period_ms: periodMs }: Row): RequestRate | undefined {
  return requests === null || periodMs === null ? undefined : { requests, periodMs };
}
