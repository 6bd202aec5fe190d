import { OperatorError } from '../../domain/failure.ts';
import type { Verdict } from '../../domain/restore-verdict.ts';
import { postalDatabaseNames } from '../../store/postal/backup.ts';
import {
  dropPostalDatabase,
  holdMessage,
  removeQueueRow,
  unlockQueueRow,
  unmarkPostal,
} from '../../store/postal/restore.ts';
import { decideRecipients, dropDatabase, noteJudged, unmarkDatabase } from '../../store/restore.ts';
import { resumeSending } from '../../store/sending.ts';
import type { Plan, Step } from '../plan.ts';
import { requireName } from './confirm-name.ts';
import { decide, type DecidedRow, type Decisions } from './decide.ts';
import { mariadbAccess } from './mariadb-access.ts';
import {
  forgetRestore,
  type PendingRestore,
  pendingRestore,
  rememberRestore,
  restoreNames,
} from './restore-names.ts';
import { refuseUnshipped } from './restore-ship.ts';
import { requireSet } from './sets.ts';
import { type ShownSet, shownSet } from './show.ts';
import { stateAfter, type Unknowns } from './state-after.ts';
import type { Workplace } from './workplace.ts';

/** One recipient or row of Postal's queue with its verdict. */
interface DecidedMail {
  readonly store: 'postgres' | 'mariadb';
  readonly id: string;
  readonly verdict: Verdict;
}

/** What a commit reports. */
export interface Committed {
  readonly set: ShownSet;
  readonly settled: number;
  readonly not_sent: number;
  readonly unknown: number;
  readonly mail: readonly DecidedMail[];
}

interface WantedCommit {
  readonly confirm: string | undefined;
  readonly unknowns: Unknowns;
  /** The operator says that relays nobody sees here have shipped again. */
  readonly relaysShipped: boolean;
}

/**
 * Plans the end of a restore: what is proven delivered is taken out, what is proven unsent goes on, and what nobody knows is held unless
 * the operator decides. Throws `refused` while a relay has not shipped again what it kept, as far as that is seen or said.
 */
export async function planCommit(
  place: Workplace,
  id: string,
  { confirm, unknowns, relaysShipped }: WantedCommit,
): Promise<Plan<Committed>> {
  const pending = await requirePending(place, id);
  requireName(place, confirm);
  await refuseUnshipped(place, pending, relaysShipped);
  const set = await requireSet(place, id);
  const decided = pending.state === 'settled' ? nothing : await decide(place, pending);
  const mail = mailOf(decided);
  const of = (verdict: Verdict) => mail.filter((each) => each.verdict === verdict).length;
  const counts = { settled: of('settled'), not_sent: of('not-sent'), unknown: of('unknown') };
  return {
    title: `Go on from ${id}: ${counts.settled} taken out, ${counts.not_sent} released, ${counts.unknown} unknown (${unknowns})`,
    steps: commitSteps(place, pending, { decided, unknowns }),
    result: () => ({ set: shownSet(set), ...counts, mail }),
  };
}

async function requirePending(place: Workplace, id: string): Promise<PendingRestore> {
  const pending = await pendingRestore(place);
  if (pending?.id === id && pending.state !== 'swapping') return pending;
  throw new OperatorError('usage', `no restore of ${id} waits for that`, {
    hint: hintFor(id, pending),
    field: 'id',
  });
}

function hintFor(id: string, pending: PendingRestore | undefined): string {
  if (!pending) return `First: mailctl backup restore ${id}`;
  return pending.id === id
    ? `It broke off on its way into place: mailctl backup restore ${id} --confirm NAME, or mailctl backup abort ${id}`
    : `What waits is the restore of ${pending.id}`;
}

const nothing: Decisions = { recipients: [], rows: [] };

function mailOf({ recipients, rows }: Decisions): readonly DecidedMail[] {
  return [
    ...recipients.map(({ messageId, position, verdict }) => ({
      store: 'postgres' as const,
      id: `${messageId}/${position}`,
      verdict,
    })),
    ...rows.map(({ serverId, messageId, verdict }) => ({
      store: 'mariadb' as const,
      id: `${serverId}/${messageId}`,
      verdict,
    })),
  ];
}

interface Deciding {
  readonly decided: Decisions;
  readonly unknowns: Unknowns;
}

function commitSteps(
  place: Workplace,
  pending: PendingRestore,
  { decided: { recipients, rows }, unknowns }: Deciding,
): readonly Step[] {
  const changes = recipients.flatMap((recipient) => stateAfter(recipient, unknowns, pending.id));
  const live = () => place.world.postgresNamed(place.config.POSTGRES_DATABASE);
  const settle = async () => {
    await using db = await live();
    await decideRecipients(db, changes);
    await noteJudged(db, recipients);
  };
  const settleRows = async () => {
    for (const row of rows) await settleRow(place, row, unknowns);
  };
  const resume = async () => {
    await using db = await live();
    await resumeSending(db);
  };
  const settled = () => rememberRestore(place, { ...pending, state: 'settled' });
  const finish = async () => {
    await unmark(place, pending);
    await dropBefore(place, pending);
    await forgetRestore(place);
  };
  return [
    { do: 'decide', what: `settle ${changes.length} recipients in PostgreSQL`, run: settle },
    { do: 'decide', what: `settle ${rows.length} rows of Postal's queue`, run: settleRows },
    { do: 'remember', what: 'remember that all is decided', run: settled },
    { do: 'resume', what: 'hand messages to Postal again; its services may start', run: resume },
    { do: 'remove', what: 'remove the databases that were there before', run: finish },
  ];
}

async function settleRow(
  place: Workplace,
  { id, serverId, messageId, verdict }: DecidedRow,
  unknowns: Unknowns,
): Promise<void> {
  const { server, names } = await mariadbAccess(place);
  const goesOn = verdict === 'not-sent' || (verdict === 'unknown' && unknowns === 'release');
  await server.session(async (session) => {
    if (goesOn) return unlockQueueRow(session, names.main, id);
    if (verdict === 'unknown' && unknowns === 'hold')
      await holdMessage(session, `${names.messagePrefix}-server-${serverId}`, messageId);
    await removeQueueRow(session, names.main, id);
  });
}

/** What was restored is what runs from here on, and no longer told apart. */
async function unmark(place: Workplace, { stores }: PendingRestore): Promise<void> {
  if (stores.includes('postgres')) {
    await using main = await place.world.postgresNamed('postgres');
    await unmarkDatabase(main, place.config.POSTGRES_DATABASE);
  }
  if (!stores.includes('mariadb')) return;
  const { server, names } = await mariadbAccess(place);
  await server.session((session) => unmarkPostal(session, names.main));
}

async function dropBefore(place: Workplace, { id, stores }: PendingRestore): Promise<void> {
  const { before, beside } = restoreNames(id);
  if (stores.includes('postgres')) {
    await using main = await place.world.postgresNamed('postgres');
    await dropDatabase(main, before);
  }
  if (!stores.includes('mariadb')) return;
  await dropPostal(place, before);
  await dropPostal(place, beside);
}

/** Drops Postal's databases of that prefix. */
export async function dropPostal(place: Workplace, prefix: string): Promise<void> {
  const { server, names } = await mariadbAccess(place);
  const wanted = { main: `${prefix}_${names.main}`, messagePrefix: `${prefix}_${names.messagePrefix}` };
  await server.session(async (session) => {
    for (const name of await postalDatabaseNames(session, wanted)) await dropPostalDatabase(session, name);
  });
}
