import { type Command, Option } from 'commander';

import { suppressionReasons } from '../../domain/suppression.ts';
import { suppressionListHeader, suppressionRecord } from '../../domain/suppression-list.ts';
import {
  planImport,
  planRemoval,
  planSuppression,
  type SuppressionsChanged,
} from '../../operations/suppressions/change.ts';
import {
  exportSuppressions,
  type ShownSuppression,
  type ShownSuppressions,
  showSuppressions,
  type SuppressionFilter,
} from '../../operations/suppressions/show.ts';
import { acts, looks, type Session } from '../command.ts';
import { pageLimit } from '../page-limit.ts';
import type { Style } from '../output.ts';

interface ListFlags extends SuppressionFilter {
  readonly limit: string;
  readonly cursor?: string;
}

interface AddFlags {
  readonly reason: string;
  readonly scope: string;
  readonly evidence: string;
  readonly expires?: string;
}

/** `mailctl suppressions list|add|remove|import|export`. */
export function defineSuppressions(command: Command, session: Session): void {
  defineList(command, session);
  defineAdd(command, session);
  command
    .command('remove')
    .description('Let an address get mail again.')
    .argument('<address>', 'mail address')
    .option('--scope <tag>', 'let it get the mail with this tag again', '')
    .action(
      acts(
        session,
        ({ runtime }, address: string, { scope }: { scope: string }) =>
          planRemoval(runtime, { address, scope }),
        () => 'it gets mail again',
      ),
    );
  defineLists(command, session);
}

function defineList(command: Command, session: Session): void {
  command
    .command('list')
    .description('List the addresses that get no mail.')
    .option('--address <address>', 'only this address')
    .addOption(new Option('--reason <reason>', 'only with this reason').choices(suppressionReasons))
    .option('--scope <tag>', 'only for mail with this tag; "" is for all mail')
    .option('--limit <number>', 'addresses of one page', '100')
    .option('--cursor <place>', 'go on behind this place')
    .action(
      looks(
        session,
        async ({ runtime }, { limit, cursor, ...filter }: ListFlags) =>
          showSuppressions(await runtime.postgres(), filter, { limit: pageLimit(limit), cursor }),
        listAsText,
      ),
    );
}

function defineAdd(command: Command, session: Session): void {
  command
    .command('add')
    .description('Keep mail from an address; one that is on the list is renewed.')
    .argument('<address>', 'mail address')
    .addOption(new Option('--reason <reason>', 'why').choices(suppressionReasons).default('manual'))
    .option('--scope <tag>', 'keep back only mail with this tag (default: all mail)', '')
    .option('--evidence <text>', 'what it rests on', '')
    .option('--expires <when>', 'let it get mail again after a duration such as 90d, or from a time on')
    .action(
      acts(
        session,
        ({ runtime }, address: string, { reason, scope, evidence, expires }: AddFlags) =>
          planSuppression(runtime, { address, reason, scope, evidence, expires }),
        changedAsText,
      ),
    );
}

function defineLists(command: Command, session: Session): void {
  command
    .command('import')
    .description('Add a list as text/csv: all of it, or nothing where a record is wrong.')
    .argument('<file>', 'a file with address,scope,reason,evidence,expires_at; - is stdin')
    .action(acts(session, ({ runtime }, file: string) => planImport(runtime, file), changedAsText));
  command
    .command('export')
    .description('Print the whole list as text/csv.')
    .action(
      looks(session, async ({ runtime }) => exportSuppressions(await runtime.postgres()), exportAsText),
    );
}

function changedAsText({ changed }: SuppressionsChanged): string {
  return `${changed} suppressions are in force`;
}

function listAsText({ suppressions, next_cursor }: ShownSuppressions, style: Style): string {
  if (suppressions.length === 0) return 'nothing is suppressed';
  const rows = suppressions.map(({ address, scope, reason, evidence, created_at, expires_at }) =>
    [
      style.bold(address),
      reason.padEnd(11),
      scope === '' ? 'all mail' : `tag ${scope}`,
      created_at.slice(0, 10),
      expires_at ? `until ${expires_at.slice(0, 10)}` : '',
      evidence.replaceAll(/\s+/g, ' '),
    ]
      .filter((word) => word !== '')
      .join('  ')
      .trimEnd(),
  );
  const more = `more: mailctl suppressions list --cursor '${next_cursor}'`;
  return [...rows, ...(next_cursor === null ? [] : [more])].join('\n');
}

function exportAsText({ suppressions }: { readonly suppressions: readonly ShownSuppression[] }): string {
  const records = suppressions.map(({ expires_at: end, ...rest }) =>
    suppressionRecord({ ...rest, expiresAt: end === null ? undefined : new Date(end) }),
  );
  return [suppressionListHeader, ...records].join('');
}
