import type { Command } from 'commander';

import {
  planQuarantine,
  type QuarantineAct,
  type ShownQuarantine,
  type ShownQuarantined,
  showQuarantine,
  showQuarantined,
} from '../../operations/webhooks/quarantine.ts';
import { acts, looks, type Session } from '../command.ts';
import type { Style } from '../output.ts';
import { pageLimit } from '../page-limit.ts';

const actions: Readonly<Record<QuarantineAct, string>> = {
  retry: 'Have it worked out again, once what stood in the way is gone.',
  dismiss: 'Take it for done without working it out.',
};

/** `mailctl webhooks quarantine list|show|retry|dismiss`. */
export function defineQuarantine(command: Command, session: Session): void {
  command
    .command('list')
    .description(
      "List Postal's webhooks and mail that could not be worked out, oldest first, with the reason.",
    )
    .option('--limit <number>', 'entries of one page', '100')
    .option('--cursor <id>', 'go on behind this one')
    .action(
      looks(
        session,
        async ({ runtime }, { limit, cursor }: { limit: string; cursor?: string }) =>
          showQuarantine(await runtime.postgres(), { limit: pageLimit(limit), cursor }),
        listAsText,
      ),
    );
  command
    .command('show')
    .description('Show one of them as it came.')
    .argument('<id>', 'its id')
    .action(
      looks(
        session,
        async ({ runtime }, id: string) => showQuarantined(await runtime.postgres(), id),
        ({ quarantined }, style) => `${lineOf(quarantined, style)}\n\n${quarantined.content}`,
      ),
    );
  defineActs(command, session);
}

function defineActs(command: Command, session: Session): void {
  for (const [act, description] of Object.entries(actions) as [QuarantineAct, string][]) {
    command
      .command(act)
      .description(description)
      .argument('[id...]', 'ids of what lies there')
      .option('--all', 'everything that lies there')
      .action(
        acts(
          session,
          ({ runtime }, ids: string[], { all = false }: { all?: boolean }) =>
            planQuarantine(runtime, act, { ids, all }),
          ({ changed }) => (act === 'retry' ? `${changed} are worked out again` : `${changed} are dismissed`),
        ),
      );
  }
}

function listAsText({ quarantined, next_cursor }: ShownQuarantine, style: Style): string {
  if (quarantined.length === 0) return 'nothing lies in quarantine';
  const more = `more: mailctl webhooks quarantine list --cursor ${next_cursor}`;
  return [...quarantined.map((one) => lineOf(one, style)), ...(next_cursor === null ? [] : [more])].join(
    '\n',
  );
}

function lineOf({ id, kind, about, reason, received_at }: ShownQuarantined, style: Style): string {
  return [style.bold(id), received_at.slice(0, 19), kind.padEnd(7), about, reason].join('  ');
}
