import { resolve } from 'node:path';

import type { Command } from 'commander';

import { failures } from '../../domain/failure.ts';
import { filesOfEnv, missingText } from '../../operations/backup/named-files.ts';
import { sizeText } from '../../operations/backup/progress.ts';
import { planRun, type Ran } from '../../operations/backup/run.ts';
import { listSets, requireSet } from '../../operations/backup/sets.ts';
import { type ShownSet, shownSet, type ShownWhole, shownWhole } from '../../operations/backup/show.ts';
import { type Verified, verifySet } from '../../operations/backup/verify.ts';
import { acts, looks, type Session } from '../command.ts';
import type { Style } from '../output.ts';
import { defineKey } from './backup-key.ts';
import { defineRestore } from './backup-restore.ts';
import { storeOf } from './backup-store.ts';
import { defineUpkeep } from './backup-upkeep.ts';
import { heedingWarnings, workplace } from './backup-workplace.ts';

/** `mailctl backup run|list|show|verify|restore|commit|abort|prune|copy|key`. */
export function defineBackup(command: Command, session: Session): void {
  defineRun(command, session);
  command
    .command('list')
    .description('List the sets, newest first, with how each is proven.')
    .action(
      looks(
        session,
        async (context) => ({ sets: (await listSets(await workplace(context))).map(shownSet) }),
        setsAsText,
      ),
    );
  command
    .command('show')
    .description('Show one set: its files, rows, versions and proofs.')
    .argument('[id]', 'id of the set; else the newest')
    .action(
      looks(
        session,
        async (context, id: string | undefined) => ({
          set: shownWhole(await requireSet(await workplace(context), id)),
        }),
        setAsText,
      ),
    );
  defineVerify(command, session);
  defineRestore(command, session);
  defineUpkeep(command, session);
  defineKey(command.command('key').description('The keys that sets are sealed to.'), session);
}

interface VerifyFlags {
  readonly restore?: boolean;
  readonly identityFile?: string;
}

function defineVerify(command: Command, session: Session): void {
  command
    .command('verify')
    .description(
      'Read all of a set; with --restore also restore it beside the running databases and compare.',
    )
    .argument('[id]', 'id of the set; else the newest')
    .option('--restore', 'restore both dumps into databases of their own and compare every table')
    .option('--identity-file <file>', 'file of the key that opens it, where the verify key does not')
    .action(
      looks(
        session,
        async (context, id: string | undefined, { restore = false, identityFile }: VerifyFlags) => {
          const place = heedingWarnings(session, await workplace(context));
          const named =
            identityFile === undefined ? undefined : resolve(context.terminal.cwd ?? '/', identityFile);
          return verifySet(place, await requireSet(place, id), { restore, identityFile: named });
        },
        verifiedAsText,
      ),
    );
}

/** What a failed proof found is in its message. */
function verifiedAsText({ set, proof }: Partial<Verified>, style: Style): string {
  if (!set || !proof) return '';
  const { how, seconds, read, opened, tables } = proof;
  const rows = tables.reduce((sum, each) => sum + each.rows, 0);
  const compared = how === 'restored' ? `; ${tables.length} tables with ${rows} rows restored the same` : '';
  const closed = read.filter((kind) => !opened.includes(kind));
  const rest =
    closed.length === 0 ? '' : `; not opened, as it is sealed to the escrow key alone: ${closed.join(', ')}`;
  return `${style.bold(set.id)} is good (${seconds} s): read ${read.join(', ')}${compared}${rest}`;
}

interface RunFlags {
  readonly only?: string;
  readonly acceptShrink?: boolean;
  readonly postpone?: boolean;
}

function defineRun(command: Command, session: Session): void {
  command
    .command('run')
    .description('Take a set of both databases, the configuration and the keys, sealed with age.')
    .option('--only <store>', 'postgres or mariadb alone')
    .option('--accept-shrink', 'take it also when tables lost most of their rows')
    .option('--postpone', 'wait while Postal drops its old raw tables, instead of refusing')
    .action(
      acts(
        session,
        async (context, { only, acceptShrink = false, postpone = false }: RunFlags) => {
          const place = await workplace(context);
          const { missing } = await filesOfEnv(place);
          for (const file of missing) context.output.warn(missingText(file));
          if (missing.length > 0) session.exit = failures['partly-done'].exit;
          return planRun(place, { only: storeOf(only), acceptShrink, postpone });
        },
        ranAsText,
      ),
    );
}

function ranAsText({ set }: Ran, style: Style): string {
  return set ? `${style.bold(set.id)} is taken: ${summary(set)}` : '';
}

function setsAsText({ sets }: { readonly sets: readonly ShownSet[] }, style: Style): string {
  if (sets.length === 0) return 'there is no set yet: mailctl backup run';
  return sets.map((set) => `${style.bold(set.id)}  ${summary(set)}`).join('\n');
}

function summary({ stores, bytes, rows, proven, missing }: ShownSet): string {
  const how = proven ? `${proven.how} ${proven.at.slice(0, 19)}` : 'not proven';
  const lacks = missing.length > 0 ? `  not complete: lacks ${missing.join(', ')}` : '';
  return `${stores.join('+')}  ${sizeText(bytes)}  ${rows} rows  ${how}${lacks}`;
}

function setAsText({ set }: { readonly set: ShownWhole }, style: Style): string {
  const { manifest, proofs } = set;
  return [
    `${style.bold(set.id)}  taken ${manifest.created_at} on ${manifest.host} in ${manifest.seconds} s`,
    `  sealed    ${manifest.encryption.mode}, escrow ${manifest.encryption.escrow}`,
    ...manifest.parts.map(
      ({ kind, file, bytes, server, position, tables }) =>
        `  ${kind.padEnd(9)} ${file}  ${sizeText(bytes)}  ${tables.length} tables${server === null ? '' : `, server ${server}`}${position === null ? '' : `, at ${position}`}`,
    ),
    ...proofs.map(
      ({ at, how, seconds, tables }) => `  ${how.padEnd(9)} ${at} in ${seconds} s, ${tables} tables compared`,
    ),
  ].join('\n');
}
