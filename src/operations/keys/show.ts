import type { Database } from '../../adapters/postgres.ts';
import { OperatorError } from '../../domain/failure.ts';
import { isId } from '../../domain/id.ts';
import { type AtEnd, type KeyKind, keyKindNames, keyKinds, type KeyState } from '../../domain/key.ts';
import { formatRequestRate } from '../../domain/request-rate.ts';
import type { Runtime } from '../../runtime.ts';
import { type ApiKey, findApiKey, listApiKeys } from '../../store/api-keys.ts';
import { livingKeys } from '../../store/keys.ts';
import { type Candidate, candidates } from './select.ts';

/** A key as it is shown; its secret is not stored anywhere. Times are ISO 8601. */
export interface ShownKey {
  readonly id: string;
  readonly kind: 'api';
  readonly name: string;
  readonly scopes: readonly string[];
  readonly state: 'active' | 'retiring' | 'expired' | 'revoked';
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly at_end: AtEnd;
  readonly last_used_at: string | null;
  /** CIDR; none means from anywhere. */
  readonly networks: readonly string[];
  /** Such as `100/1m`; null means the rate of all keys. */
  readonly rate: string | null;
}

/** A key of any other kind; there is one a subject, and another while it rotates. */
export interface ShownOther {
  readonly id: string;
  readonly kind: KeyKind;
  readonly name: string;
  readonly state: KeyState | 'expired';
  readonly created_at: string | null;
  /** When it is to be replaced at the latest; from then on it is refused, or `keys list` warns of it. */
  readonly expires_at: string | null;
  readonly at_end: AtEnd;
  /** Null also where nobody can know. */
  readonly last_used_at: string | null;
  /** Why it was made, and who changed its state last; empty where it never rotated. */
  readonly reason: string;
  readonly changed_by: string;
}

/** Every key of a kind, or of all kinds: those of the api newest first, then what else rotates. */
export async function showKeys(
  world: Runtime,
  kind: KeyKind | undefined,
): Promise<{ keys: readonly (ShownKey | ShownOther)[] }> {
  const now = world.clock.now();
  const rows = await livingKeys(await world.postgres());
  const retiring = new Set(rows.filter(({ state }) => state === 'retiring').map(({ handle }) => handle));
  const api = kind === undefined || kind === 'api' ? await listApiKeys(await world.postgres()) : [];
  const others = keyKindNames.filter((one) => one !== 'api' && (kind === undefined || kind === one));
  const found = others.length > 0 ? await candidates(world, others) : [];
  return {
    keys: [
      ...api.map((key) => ({ ...shown(key, now), ...(retiring.has(key.id) && stillOn(key, now)) })),
      ...found.flatMap((one) => othersOf(one, now)),
    ],
  };
}

function stillOn(key: ApiKey, now: Date): { readonly state?: 'retiring' } {
  return stateOf(key, now) === 'active' ? { state: 'retiring' } : {};
}

function othersOf({ kind, subject, keys }: Candidate, now: Date): readonly ShownOther[] {
  const at_end = keyKinds[kind].atEnd;
  const last_used_at = subject.lastUsedAt?.toISOString() ?? null;
  const base = { kind, name: subject.name, expires_at: null, at_end, last_used_at };
  if (keys.length === 0) {
    const created_at = subject.createdAt?.toISOString() ?? null;
    return [{ ...base, id: subject.handle, state: 'active', created_at, reason: '', changed_by: '' }];
  }
  return keys.map(({ id, state, createdAt, expiresAt, reason, changedBy }) => ({
    ...base,
    id,
    state: at_end === 'refused' && expiresAt && expiresAt <= now ? 'expired' : state,
    created_at: createdAt.toISOString(),
    expires_at: expiresAt?.toISOString() ?? null,
    reason,
    changed_by: changedBy,
  }));
}

/** The keys that an id or a name means. Throws `usage` when it means none. */
export async function showKey(
  world: Runtime,
  word: string,
): Promise<{ readonly keys: readonly (ShownKey | ShownOther)[] }> {
  if (isId('mk', word))
    return { keys: [shown(await requireKey(await world.postgres(), word), world.clock.now())] };
  const { keys } = await showKeys(world, undefined);
  const meant = keys.filter(({ id, name }) => id === word || name === word);
  if (meant.length === 0) throw noKey(word);
  return { keys: meant };
}

/** The stored key. Throws `usage` when there is none of this id. */
export async function requireKey(db: Database, id: string): Promise<ApiKey> {
  const key = isId('mk', id) ? await findApiKey(db, id) : undefined;
  if (key) return key;
  throw noKey(id);
}

function noKey(word: string): OperatorError {
  return new OperatorError('usage', `there is no key ${word}`, {
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
    at_end: keyKinds.api.atEnd,
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
