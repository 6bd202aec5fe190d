import type { MariadbSession } from '../../adapters/mariadb.ts';
import type { Postgres } from '../../adapters/postgres.ts';
import type { Found } from '../../domain/delivery.ts';
import { judgeQueueRow, judgeRecipient, type Verdict } from '../../domain/restore-verdict.ts';
import { newestMessage } from '../../store/backup.ts';
import { postalDatabaseNames } from '../../store/postal/backup.ts';
import { knowsNewestOf, type QueueRow, queueRows, whereaboutsBefore } from '../../store/postal/restore.ts';
import { findWhereabouts } from '../../store/postal/whereabouts.ts';
import {
  hasDatabase,
  knowsMessage,
  type OpenRecipient,
  openRecipients,
  recipientStates,
  statesByToken,
} from '../../store/restore.ts';
import { hasMariadb, mariadbAccess } from './mariadb-access.ts';
import { type PendingRestore, restoreNames } from './restore-names.ts';
import type { Workplace } from './workplace.ts';

/** A recipient of ours with what is known of it. */
export interface DecidedRecipient extends OpenRecipient {
  readonly verdict: Verdict;
  /** Its state in the database before; undefined where nobody knows. */
  readonly before: string | undefined;
}

/** A row of Postal's queue with what is known of it. */
export interface DecidedRow extends QueueRow {
  readonly verdict: Verdict;
}

/** Everything that a restore must decide before mail goes on. */
export interface Decisions {
  readonly recipients: readonly DecidedRecipient[];
  readonly rows: readonly DecidedRow[];
}

/** Judges all mail that the restored databases believe unsent, by what the databases before, Postal and webhooks know. */
export async function decide(place: Workplace, pending: PendingRestore): Promise<Decisions> {
  await using db = await place.world.postgresNamed(place.config.POSTGRES_DATABASE);
  const open = await openRecipients(db, new Date(pending.restored_at));
  const before = await statesBefore(place, pending, { db, open });
  const postal = await lookUpAll(place, pending, open);
  const recipients = open.map((recipient) => {
    const known = before && (before.get(`${recipient.messageId} ${recipient.position}`) ?? 'absent');
    const verdict = judgeRecipient({ before: known, postal: postal?.get(keyOf(recipient)) });
    return { ...recipient, before: known, verdict };
  });
  return {
    recipients,
    rows: pending.stores.includes('mariadb') ? await decideRows(place, pending, db) : [],
  };
}

function keyOf({ postalKey, address }: OpenRecipient): string {
  return `${postalKey} ${address}`;
}

interface Asking {
  readonly db: Postgres;
  readonly open: readonly OpenRecipient[];
}

/** Undefined where the database before is gone, or is not the one that lived on from the dump, as on a new host. */
async function statesBefore(place: Workplace, pending: PendingRestore, { db, open }: Asking) {
  if (!pending.stores.includes('postgres')) {
    return recipientStates(db, [...new Set(open.map(({ messageId }) => messageId))]);
  }
  const { before } = restoreNames(pending.id);
  await using main = await place.world.postgresNamed('postgres');
  if (!(await hasDatabase(main, before))) return undefined;
  await using old = await place.world.postgresNamed(before);
  const ids = [...new Set(open.map(({ messageId }) => messageId))];
  const newest = await newestMessage(db);
  if (!(await anyKnown(old, newest === undefined ? ids : [newest, ...ids]))) return undefined;
  return await recipientStates(old, ids);
}

/** What relays shipped again may be newer than all that the database before knew; one message that it knows is proof enough. */
async function anyKnown(old: Postgres, messageIds: readonly string[]): Promise<boolean> {
  for (const messageId of messageIds) if (await knowsMessage(old, messageId)) return true;
  return false;
}

/** Asks the Postal that knows the time since the dump; undefined where there is none. */
async function lookUpAll(
  place: Workplace,
  { id, stores }: PendingRestore,
  open: readonly OpenRecipient[],
): Promise<ReadonlyMap<string, Found['at']> | undefined> {
  if (!hasMariadb(place)) return undefined;
  const { POSTAL_API_KEY: apiKey, MAIL_DOMAIN: domain } = await place.world.config('worker');
  if (apiKey === undefined) return undefined;
  const { server, names } = await mariadbAccess(place);
  const prefix = stores.includes('mariadb') ? `${restoreNames(id).before}_` : '';
  const databases = {
    main: `${prefix}${names.main}`,
    messagePrefix: `${prefix}${names.messagePrefix}`,
    apiKey,
  };
  return server.session(async (session) => {
    if (!(await livedOn(session, databases, stores.includes('mariadb') ? names : undefined)))
      return undefined;
    const found = new Map<string, Found['at']>();
    for (const [postalKey, recipients] of byKey(open)) {
      const asked = { mailFrom: `${postalKey}@${domain}`, recipients };
      for (const [address, { at }] of await findWhereabouts(session, databases, asked))
        found.set(`${postalKey} ${address}`, at);
    }
    return found;
  });
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

async function decideRows(
  place: Workplace,
  { id }: PendingRestore,
  db: Postgres,
): Promise<readonly DecidedRow[]> {
  const { server, names } = await mariadbAccess(place);
  const { before } = restoreNames(id);
  const databaseOf = (serverId: number) => `${names.messagePrefix}-server-${serverId}`;
  return server.session(async (session) => {
    const rows = await queueRows(session, names.main, databaseOf);
    const own = await statesByToken(db, rows.map(({ token }) => token).filter(Boolean));
    const decided: DecidedRow[] = [];
    for (const row of rows) {
      const at = { main: `${before}_${names.main}`, messages: `${before}_${databaseOf(row.serverId)}` };
      const known = await whereaboutsBefore(session, at, row).catch(() => undefined);
      decided.push({ ...row, verdict: judgeQueueRow({ before: known, own: own.get(row.token) }) });
    }
    return decided;
  });
}
