import type { Command } from 'commander';

import { OperatorError } from '../../domain/failure.ts';
import { type Copied, planCopy, planMissingCopies } from '../../operations/backup/copy.ts';
import { minCopiesOf, planPrune, type Pruned } from '../../operations/backup/prune.ts';
import { listSets, requireSet } from '../../operations/backup/sets.ts';
import { acts, type Session } from '../command.ts';
import { workplace } from './backup-workplace.ts';

/** `mailctl backup prune|copy`. */
export function defineUpkeep(command: Command, session: Session): void {
  command
    .command('prune')
    .description('Remove the sets that the rules BACKUP_KEEP_* let go; never the newest proven one.')
    .option('--min-copies <n>', 'keep a set that has fewer copies elsewhere')
    .action(
      acts(
        session,
        async (context, { minCopies }: { minCopies?: string }) =>
          planPrune(await workplace(context), minCopiesOf(minCopies)),
        prunedAsText,
      ),
    );
  command
    .command('copy')
    .description('Copy a set to BACKUP_COPY_DIR and BACKUP_S3_URL, and read it back there.')
    .argument('[id]', 'id of the set; else the newest')
    .option('--missing', 'copy every set to each place where it is not yet, as the timetable does')
    .action(
      acts(
        session,
        async (context, id: string | undefined, { missing = false }: { missing?: boolean }) => {
          const place = await workplace(context);
          if (!missing) return planCopy(place, await requireSet(place, id));
          if (id !== undefined) throw bothNamed();
          return planMissingCopies(place, await listSets(place));
        },
        copiedAsText,
      ),
    );
}

function prunedAsText({ sets, changed }: Pruned): string {
  const kept = sets.filter(({ kept_as: keptAs }) => keptAs.length > 0);
  return [
    `${changed} sets removed`,
    ...kept.map(({ id, kept_as: keptAs }) => `  ${id}  kept: ${keptAs.join(', ')}`),
  ].join('\n');
}

function bothNamed(): OperatorError {
  return new OperatorError('usage', '--missing copies every set, and one was named', {
    hint: 'Leave one of the two out',
    field: '--missing',
  });
}

function copiedAsText({ copies }: Copied): string {
  if (copies.length === 0) return 'nothing was copied: every set is at every place';
  return copies.map(({ id, to, seconds }) => `${id} is at ${to}, read back (${seconds} s)`).join('\n');
}
