import { resolve } from 'node:path';

import type { Command } from 'commander';

import { type KeysMade, type KeyTested, planKeys, showKeys, testKey } from '../../operations/backup/key.ts';
import type { Encryption } from '../../operations/backup/recipients.ts';
import { handOnLater } from '../../operations/stack/distribute-secrets.ts';
import { acts, looks, type Session } from '../command.ts';
import type { Style } from '../output.ts';
import { workplace } from './backup-workplace.ts';

/** `mailctl backup key make|show|test`. */
export function defineKey(command: Command, session: Session): void {
  command
    .command('make')
    .description('Make the escrow key, which is shown once, and the key that proves sets on this host.')
    .option('--out <file>', 'write the secret half of the escrow key there instead of showing it')
    .action(
      acts(
        session,
        async (context, { out }: { out?: string }) => {
          const path = out === undefined ? undefined : resolve(context.terminal.cwd ?? '/', out);
          const plan = await planKeys(await workplace(context), path);
          return { ...plan, steps: [...plan.steps, handOnLater] };
        },
        madeAsText,
      ),
    );
  command
    .command('show')
    .description('Show whom sets are sealed to.')
    .action(looks(session, async (context) => showKeys(await workplace(context)), keysAsText));
  command
    .command('test')
    .description('Prove that a key opens every file of a set, by opening them to the end.')
    .argument('[id]', 'id of the set; else the newest')
    .requiredOption('--identity-file <file>', 'file of the escrow key, fetched from where it is kept')
    .action(
      looks(
        session,
        async (context, id: string | undefined, { identityFile }: { identityFile: string }) =>
          testKey(await workplace(context), resolve(context.terminal.cwd ?? '/', identityFile), id),
        testedAsText,
      ),
    );
}

function madeAsText({ key, secret }: KeysMade, style: Style): string {
  return [
    `sets are sealed to ${key.escrow}`,
    ...(secret === undefined
      ? []
      : ['the secret half of the escrow key, shown this once; keep it off this host:', style.bold(secret)]),
    'then prove that it opens a set: mailctl backup key test --identity-file FILE',
  ].join('\n');
}

function keysAsText({ key }: { readonly key: Encryption }): string {
  const verify =
    key.verify === null
      ? 'none: the strict mode, only the escrow key opens sets'
      : `${key.verify} (on this host)`;
  return `escrow  ${key.escrow}\nverify  ${verify}`;
}

function testedAsText({ id, opened }: KeyTested): string {
  return id === null
    ? 'it is the secret half of the escrow key; there is no set yet to open'
    : `it opens ${id}: ${opened.join(', ')}`;
}
