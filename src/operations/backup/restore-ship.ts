import { OperatorError } from '../../domain/failure.ts';
import { wishesReship, wishReship } from '../../upkeep/reship-wish.ts';
import { findJournal, type JournalFiles } from '../journal/records.ts';
import type { PendingRestore } from './restore-names.ts';
import type { Workplace } from './workplace.ts';

/** Whether the relay of this host was asked to ship again, or nobody here sees its journal. */
export type Shipping = NonNullable<PendingRestore['shipping']>;

/**
 * Asks the relay of this host to ship again what the api acknowledged since then. Where its journal cannot be seen, or the restore is not of
 * this host, that is said with what to do: the relay's mail of that time is lost otherwise.
 */
export async function shipAgain(place: Workplace, since: Date): Promise<Shipping> {
  const { world, config, warn } = place;
  const kept = new Date(world.clock.now().getTime() - config.RELAY_JOURNAL_KEEP);
  if (since < kept) {
    warn(
      `relays keep acknowledged mail for RELAY_JOURNAL_KEEP only: what came before ${kept.toISOString()} is lost`,
    );
  }
  const { journal, reason } = await lookForJournal(place);
  if (journal) {
    await wishReship(journal.disk, journal.directory, since);
    return 'asked';
  }
  warn(
    `no relay ships again what it acknowledged since the dump (${reason}); on the host of each: ${shipCommand(since)}`,
  );
  return 'unseen';
}

/** What has a relay ship again, typed on its host. */
export function shipCommand(since: Date): string {
  return `mailctl journal ship --since ${since.toISOString()}`;
}

/**
 * Throws `refused` while the relay of this host has not shipped again what it kept, and where nobody can see whether one has, unless the
 * operator says so.
 */
export async function refuseUnshipped(
  place: Workplace,
  pending: PendingRestore,
  saidShipped: boolean,
): Promise<void> {
  if (!pending.stores.includes('postgres') || pending.state === 'settled') return;
  const { journal, reason } = await lookForJournal(place);
  if (journal && (await wishesReship(journal.disk, journal.directory))) throw unshipped();
  if (saidShipped || (journal && pending.shipping !== 'unseen')) return;
  throw unseen(pending, reason ?? 'the relay of this host was never asked to');
}

interface Look {
  readonly journal?: JournalFiles;
  /** Why there is none. */
  readonly reason?: string;
}

async function lookForJournal({ world, target }: Workplace): Promise<Look> {
  if (target) return { reason: 'those of the other host are not seen from here' };
  try {
    return { journal: await findJournal(world) };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

function unshipped(): OperatorError {
  return new OperatorError('refused', 'the relay has not shipped again what it kept; nothing was changed', {
    hint: 'Start the api and the relay (sending stays paused), and run it again when they are done',
  });
}

function unseen({ id, dumped_at: since }: PendingRestore, reason: string): OperatorError {
  return new OperatorError(
    'refused',
    `nobody sees here whether relays have shipped again what they acknowledged since ${since} (${reason}); nothing was changed`,
    {
      hint: `On the host of each relay: ${shipCommand(new Date(since))}; when all are done, or none is left: mailctl backup commit ${id} --relays-shipped --confirm NAME`,
      field: '--relays-shipped',
    },
  );
}
