import type { KeepRules } from '../../domain/set-retention.ts';
import { judgeSets } from '../../domain/set-retention.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Plan } from '../plan.ts';
import { readCopies } from './copies.ts';
import { holdShelf } from './one-run.ts';
import { pendingSets } from './restore-names.ts';
import { publishStanding } from './run-record.ts';
import { type BackupSet, listSets } from './sets.ts';
import { setPath, type Workplace } from './workplace.ts';

/** What prune reports: sets with why each is kept, none for one that goes. */
export interface Pruned {
  readonly sets: readonly { readonly id: string; readonly kept_as: readonly string[] }[];
  readonly changed: number;
}

/**
 * Plans what may go by the rules of retention. A set with fewer copies elsewhere than `minCopies` stays, and so does the newest that was
 * proven by restoring. It is asked for; where nobody can be asked, the plan is shown and it is `refused`.
 */
export async function planPrune(place: Workplace, minCopies: number | undefined): Promise<Plan<Pruned>> {
  const least = minCopies ?? place.config.BACKUP_MIN_COPIES;
  const sets = await listSets(place);
  const pending = await pendingSets(place);
  const verdicts = await Promise.all(
    judgeSets(sets.map(dated), rulesOf(place)).map(async ({ id, keptAs }) => {
      const copies = (await readCopies(place, id)).length;
      const short = keptAs.length === 0 && copies < least ? [`only ${copies} of ${least} copies`] : [];
      const needed = pending.includes(id) ? ['its restore is not agreed to yet'] : [];
      return { id, kept_as: [...keptAs, ...short, ...needed] };
    }),
  );
  const going = verdicts.filter(({ kept_as: keptAs }) => keptAs.length === 0);
  return {
    title: going.length === 0 ? 'Every set is kept' : `Remove ${going.length} of ${sets.length} sets`,
    ...(going.length > 0 && { confirm: `Remove ${going.length} sets for good?` }),
    steps: going.map(({ id }) => ({ do: 'remove', what: `remove ${id}`, run: () => removeSet(place, id) })),
    result: () => ({ sets: verdicts, changed: going.length }),
  };
}

async function removeSet(place: Workplace, id: string): Promise<void> {
  const held = await holdShelf(place);
  try {
    await place.archive.remove(setPath(place, id));
    await publishStanding(place);
  } finally {
    await held.release();
  }
}

function dated({ id, manifest, proofs }: BackupSet) {
  return { id, at: new Date(manifest.created_at), proven: proofs.some(({ how }) => how === 'restored') };
}

function rulesOf({ config }: Workplace): KeepRules {
  return {
    last: config.BACKUP_KEEP_LAST,
    hourly: config.BACKUP_KEEP_HOURLY,
    daily: config.BACKUP_KEEP_DAILY,
    weekly: config.BACKUP_KEEP_WEEKLY,
    monthly: config.BACKUP_KEEP_MONTHLY,
    yearly: config.BACKUP_KEEP_YEARLY,
  };
}

/** The number behind `--min-copies`. Throws `usage` for what is none. */
export function minCopiesOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[0-2]$/.test(text)) return Number(text);
  throw new OperatorError('usage', `--min-copies: "${text}" is no number from 0 to 2`, {
    hint: 'There are at most two places for copies: BACKUP_COPY_DIR and BACKUP_S3_URL',
    field: '--min-copies',
  });
}
