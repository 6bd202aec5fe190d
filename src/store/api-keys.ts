import type { Database } from '../adapters/postgres.ts';
import type { Scope } from '../domain/api-key.ts';
import type { Id } from '../domain/id.ts';

/** An API key as it is stored: its secret is not there. */
export interface ApiKey {
  readonly id: Id<'mk'>;
  readonly name: string;
  readonly digest: Uint8Array;
  readonly scopes: readonly string[];
  readonly createdAt: Date;
  readonly expiresAt: Date | undefined;
  readonly revokedAt: Date | undefined;
  readonly lastUsedAt: Date | undefined;
}

export interface NewApiKey {
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
};

const columns = 'id, name, secret_sha256, scopes, created_at, expires_at, revoked_at, last_used_at';

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
    'insert into api_keys (id, name, secret_sha256, scopes, expires_at) values ($1, $2, $3, $4, $5)',
    [key.id, key.name, Buffer.from(key.digest), key.scopes, key.expiresAt],
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
  };
}
