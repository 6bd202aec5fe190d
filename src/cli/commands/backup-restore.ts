import { resolve } from 'node:path';

import type { Command } from 'commander';

import { OperatorError } from '../../domain/failure.ts';
import { planAbort } from '../../operations/backup/abort.ts';
import { type Committed, planCommit } from '../../operations/backup/commit.ts';
import { planRestore, type Restored } from '../../operations/backup/restore.ts';
import { requireSet } from '../../operations/backup/sets.ts';
import type { Unknowns } from '../../operations/backup/state-after.ts';
import { acts, type Session } from '../command.ts';
import { storeOf } from './backup-store.ts';
import { heedingWarnings, workplaceAt } from './backup-workplace.ts';

interface RestoreFlags {
  readonly only?: string;
  readonly identityFile?: string;
  readonly confirm?: string;
  readonly to?: string;
}

const toOption = [
  '--to <file>',
  'a file with where the databases of another host are, in the form of .env',
] as const;

/** `mailctl backup restore|commit|abort`. */
export function defineRestore(command: Command, session: Session): void {
  command
    .command('restore')
    .description(
      'Restore a set beside what runs and show what differs; by name put it in place, sending nothing.',
    )
    .argument('<id>', 'id of the set')
    .option('--only <store>', 'postgres or mariadb alone')
    .option(...toOption)
    .option('--identity-file <file>', 'file of the key that opens it, where the verify key does not')
    .option('--confirm <name>', 'the mail domain: agrees to put the set in the place of what runs')
    .action(
      acts(
        session,
        async (context, id: string, { only, identityFile, confirm, to }: RestoreFlags) => {
          const place = await heedingWarnings(session, await workplaceAt(context, to));
          const named =
            identityFile === undefined ? undefined : resolve(context.terminal.cwd ?? '/', identityFile);
          const wanted = { only: storeOf(only), identityFile: named, confirm };
          return planRestore(place, await requireSet(place, id), wanted);
        },
        restoredAsText,
      ),
    );
  defineEnds(command, session);
}

interface CommitFlags {
  readonly to?: string;
  readonly confirm?: string;
  readonly release?: boolean;
  readonly drop?: boolean;
  readonly relaysShipped?: boolean;
}

function defineEnds(command: Command, session: Session): void {
  command
    .command('commit')
    .description('Let mail go on after a restore: what went out is taken out, what nobody knows is held.')
    .argument('<id>', 'id of the set')
    .option('--confirm <name>', 'the mail domain: agrees to it')
    .option(...toOption)
    .option('--release', 'send what nobody knows of: some may go out twice')
    .option('--drop', 'drop what nobody knows of: some may never go out')
    .option(
      '--relays-shipped',
      'says that relays whose journal is not seen here have shipped again, or that none is left',
    )
    .action(
      acts(
        session,
        async (context, id: string, { confirm, to, relaysShipped = false, ...flags }: CommitFlags) =>
          planCommit(await workplaceAt(context, to), id, {
            confirm,
            relaysShipped,
            unknowns: unknownsOf(flags),
          }),
        committedAsText,
      ),
    );
  command
    .command('abort')
    .description('Put back what was there before a restore, or drop what was only restored beside.')
    .argument('<id>', 'id of the set')
    .option(...toOption)
    .action(
      acts(
        session,
        async (context, id: string, { to }: { to?: string }) => planAbort(await workplaceAt(context, to), id),
        ({ set }) => `the restore of ${set.id} is undone`,
      ),
    );
}

function unknownsOf({ release = false, drop = false }: Pick<CommitFlags, 'release' | 'drop'>): Unknowns {
  if (release && drop) {
    throw new OperatorError('usage', '--release and --drop say the opposite of each other', {
      hint: 'Take one of them, or neither: then what nobody knows is held',
      field: '--drop',
    });
  }
  if (release) return 'release';
  return drop ? 'drop' : 'hold';
}

function restoredAsText({
  set,
  differs,
  swapped,
  lost_http_minutes: minutes,
  shipping,
  next,
}: Restored): string {
  return [
    swapped ? `${set.id} is in place, and nothing is sent yet` : `${set.id} is restored beside what runs`,
    ...(minutes === null
      ? []
      : [
          `HTTP submissions of the last ${minutes} minutes are lost${shipping === 'asked' ? '; the relay ships its own again' : ''}`,
        ]),
    ...differs.map((row) => `  ${row.table}: ${row.now} rows now, ${row.in_set} in the set`),
    'next:',
    ...next.map((line) => `  ${line}`),
  ].join('\n');
}

function committedAsText({ set, settled, not_sent: unsent, unknown }: Committed): string {
  return `mail goes on from ${set.id}: ${settled} had gone out and were taken out, ${unsent} are sent, ${unknown} are unknown`;
}
