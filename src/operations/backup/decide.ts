import type { Postgres } from '../../adapters/postgres.ts';
import { judgeQueueRow, judgeRecipient, type Verdict } from '../../domain/restore-verdict.ts';
import { newestMessage } from '../../store/backup.ts';
import { type QueueRow, queueRows, whereaboutsBefore } from '../../store/postal/restore.ts';
import {
  hasDatabase,
  knowsMessage,
  type OpenRecipient,
  openRecipients,
  recipientStates,
  statesByToken,
  takenSince,
} from '../../store/restore.ts';
import { lookUpAll } from './decide-at-postal.ts';
import { mariadbAccess } from './mariadb-access.ts';
import { type PendingRestore, restoreNames } from './restore-names.ts';
import type { Workplace } from './workplace.ts';

/** A recipient of ours with what is known of it. */
export interface DecidedRecipient extends OpenRecipient {
  readonly verdict: Verdict;
  /** True where a restored Postal has it in its queue. */
  readonly isQueuedAtPostal: boolean;
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
  const open = await doubted(db, pending);
  const before = await statesBefore(place, pending, { db, open });
  const postal = await lookUpAll(place, pending, open);
  const recipients = open.map((recipient) => {
    const known = before && (before.get(`${recipient.messageId} ${recipient.position}`) ?? 'absent');
    const at = postal(keyOf(recipient));
    const verdict = judgeRecipient({ before: known, ...at });
    return { ...recipient, before: known, verdict, isQueuedAtPostal: at.postal === 'waiting' };
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

/** What the database that goes on believes unsent; where only Postal was restored, also what that may have forgotten since the dump. */
async function doubted(db: Postgres, pending: PendingRestore): Promise<readonly OpenRecipient[]> {
  const open = await openRecipients(db, new Date(pending.restored_at));
  return pending.stores.includes('postgres')
    ? open
    : [...open, ...(await takenSince(db, new Date(pending.dumped_at)))];
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
