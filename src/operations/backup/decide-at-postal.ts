import type { MariadbSession } from '../../adapters/mariadb.ts';
import type { Found } from '../../domain/delivery.ts';
import type { Fate, RecipientEvidence } from '../../domain/restore-verdict.ts';
import { postalDatabaseNames } from '../../store/postal/backup.ts';
import type { PostalDatabases } from '../../store/postal/mail-server.ts';
import { fateAt, knowsNewestOf } from '../../store/postal/restore.ts';
import { findWhereabouts } from '../../store/postal/whereabouts.ts';
import type { OpenRecipient } from '../../store/restore.ts';
import { hasMariadb, mariadbAccess } from './mariadb-access.ts';
import { type PendingRestore, restoreNames } from './restore-names.ts';
import type { Workplace } from './workplace.ts';

/** What Postal says of a recipient. */
export type AtPostal = Pick<RecipientEvidence, 'postal' | 'past'>;

/** Asks the Postal that goes on, and where that was restored also the one that was replaced. */
export async function lookUpAll(
  place: Workplace,
  { id, stores }: PendingRestore,
  open: readonly OpenRecipient[],
): Promise<(key: string) => AtPostal> {
  const wasRestored = stores.includes('mariadb');
  const nothing: AtPostal = { postal: undefined, past: wasRestored ? undefined : 'same' };
  const config = await place.world.config('worker');
  const { POSTAL_API_KEY: apiKey, MAIL_DOMAIN: domain, POSTAL_TIDY_AFTER: tidyMs } = config;
  if (!hasMariadb(place) || apiKey === undefined) return () => nothing;
  const { server, names } = await mariadbAccess(place);
  const { before } = restoreNames(id);
  const now = { ...names, apiKey };
  const then = { main: `${before}_${names.main}`, messagePrefix: `${before}_${names.messagePrefix}`, apiKey };
  const asked = [...byKey(open)].map(([key, recipients]) => ({
    key,
    mailFrom: `${key}@${domain}`,
    recipients,
    tidyMs,
  }));
  return server.session(async (session) => {
    const knows = await livedOn(session, wasRestored ? then : now, wasRestored ? names : undefined);
    if (!wasRestored && !knows) return () => nothing;
    const found = await foundAt(session, now, asked);
    if (!wasRestored) return (key) => ({ postal: found.get(key)?.at, past: 'same' });
    const [fates, past] = [
      await fatesOf(session, now, found),
      knows ? await fatesOf(session, then, await foundAt(session, then, asked)) : undefined,
    ];
    const waits = (key: string) =>
      found.get(key)?.at === 'postal' && ['waiting', 'in-hand'].includes(fates.get(key) ?? '');
    return (key) => ({ postal: waits(key) ? 'waiting' : found.get(key)?.at, past: past?.get(key) });
  });
}

interface Asked {
  readonly key: string;
  readonly mailFrom: string;
  readonly recipients: readonly string[];
  readonly tidyMs: number;
}

async function foundAt(
  session: MariadbSession,
  databases: PostalDatabases,
  asked: readonly Asked[],
): Promise<ReadonlyMap<string, Found>> {
  const found = new Map<string, Found>();
  for (const { key, ...question } of asked)
    for (const [address, at] of await findWhereabouts(session, databases, question))
      found.set(`${key} ${address}`, at);
  return found;
}

async function fateOf(session: MariadbSession, databases: PostalDatabases, found: Found): Promise<Fate> {
  if (found.at === 'postal') return fateAt(session, databases, found.name.id);
  return found.at === 'tidied' ? 'in-hand' : 'unheard-of';
}

async function fatesOf(
  session: MariadbSession,
  databases: PostalDatabases,
  found: ReadonlyMap<string, Found>,
): Promise<ReadonlyMap<string, Fate>> {
  const fates = new Map<string, Fate>();
  for (const [key, one] of found) fates.set(key, await fateOf(session, databases, one));
  return fates;
}

interface PostalNames {
  readonly main: string;
  readonly messagePrefix: string;
}

/** True for a Postal that has every message that the restored one has: it lived on from the dump. */
async function livedOn(
  session: MariadbSession,
  before: PostalNames,
  restored: PostalNames | undefined,
): Promise<boolean> {
  const names = await postalDatabaseNames(session, before);
  if (names.length < 2) return false;
  return restored === undefined || (await hasNewestOf(session, { before, restored }));
}

async function hasNewestOf(
  session: MariadbSession,
  { before, restored }: { readonly before: PostalNames; readonly restored: PostalNames },
): Promise<boolean> {
  for (const name of (await postalDatabaseNames(session, restored)).slice(1)) {
    const old = `${before.messagePrefix}${name.slice(restored.messagePrefix.length)}`;
    if (!(await knowsNewestOf(session, name, old))) return false;
  }
  return true;
}

function byKey(open: readonly OpenRecipient[]): ReadonlyMap<string, readonly string[]> {
  const addresses = new Map<string, string[]>();
  for (const { postalKey, address } of open)
    addresses.set(postalKey, [...(addresses.get(postalKey) ?? []), address]);
  return addresses;
}
