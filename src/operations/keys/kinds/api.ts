import { composeApiKey, readApiKey, type Scope } from '../../../domain/api-key.ts';
import { expiryNotice } from '../../../domain/key-expiry.ts';
import { isId, newId } from '../../../domain/id.ts';
import { Secret } from '../../../domain/secret.ts';
import { type ApiKey, findApiKey, insertApiKey, listApiKeys, revokeApiKey } from '../../../store/api-keys.ts';
import type { Runtime } from '../../../runtime.ts';
import type { KindOfKey } from '../kind.ts';

/** A client's key: both are valid until the old one has not been used for the overlap. */
export const apiKind: KindOfKey = {
  subjects: async ({ postgres, clock }) => {
    const now = clock.now();
    const rotated = (await listApiKeys(await postgres())).filter((key) => isRotated(key, now));
    const names = new Set<string>();
    return rotated.flatMap((key) => {
      if (names.has(key.name)) return [];
      names.add(key.name);
      const { name, id: handle, createdAt, expiresAt, lastUsedAt } = key;
      return [{ name, handle, createdAt, expiresAt, lastUsedAt }];
    });
  },
  newSecret: ({ clock, random }) =>
    composeApiKey(newId('mk', clock.now(), random.bytes(10)), new Secret(random.letters(52))),
  handleOf: (_, { secret }) => idOf(secret),
  issue: async (world, { name, old, secret }) => {
    const db = await world.postgres();
    const presented = readApiKey(secret.reveal());
    if (presented.kind !== 'key' || (await findApiKey(db, presented.id))) return;
    const before = isId('mk', old) ? await findApiKey(db, old) : undefined;
    if (!before) return;
    const { scopes, networks, rate } = before;
    await insertApiKey(db, {
      id: presented.id,
      digest: presented.digest,
      name,
      scopes: scopes as readonly Scope[],
      networks,
      rate,
      expiresAt: renewedEnd(before, world),
    });
  },
  leastOverlapMs: ({ API_KEY_USE_INTERVAL }) => 2 * API_KEY_USE_INTERVAL,
  distribute: async () => undefined,
  lastUsed: async ({ postgres }, { handle }) =>
    isId('mk', handle) ? (await findApiKey(await postgres(), handle))?.lastUsedAt : undefined,
  retire: async ({ postgres, clock }, { handle }) => {
    if (isId('mk', handle)) await revokeApiKey(await postgres(), handle, clock.now());
  },
};

/** One that has ended is warned of for a while, and can be replaced as long. */
function isRotated({ revokedAt, expiresAt, name }: ApiKey, now: Date): boolean {
  const isForgotten = expiresAt && expiresAt <= now && expiryNotice(expiresAt, now) === undefined;
  return !revokedAt && !isForgotten && !name.startsWith('mailctl e2e');
}

/** The new key is valid for as long as the old one was when it was made. */
function renewedEnd({ createdAt, expiresAt }: ApiKey, { clock }: Pick<Runtime, 'clock'>): Date | undefined {
  return expiresAt && new Date(clock.now().getTime() + expiresAt.getTime() - createdAt.getTime());
}

function idOf(secret: Secret): string {
  const presented = readApiKey(secret.reveal());
  return presented.kind === 'key' ? presented.id : '';
}
