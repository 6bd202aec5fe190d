import type { Command } from 'commander';

import { planReconcile, type PostalReconciled } from '../../operations/postal/reconcile.ts';
import { acts, type Session } from '../command.ts';

/** `mailctl postal reconcile`. */
export function definePostal(command: Command, session: Session): void {
  command
    .command('reconcile')
    .description("Compare with Postal's databases and store the events that no webhook told.")
    .option(
      '--since <duration>',
      'look back this far, such as 3d; without it to where the last comparison ended',
    )
    .action(
      acts(
        session,
        ({ runtime }, { since }: { since?: string }) => planReconcile(runtime, since),
        reconciledAsText,
      ),
    );
}

function reconciledAsText({ changed, events, since, absent }: PostalReconciled): string {
  const kinds = Object.entries(events).map(([kind, count]) => `  ${kind}  ${count}`);
  const gone = `${absent} recipients that Postal had taken are in its databases no more; see: mailctl queue list --state accepted`;
  return [
    changed === 0 ? `no event is missing since ${since}` : `stored ${changed} events that no webhook told`,
    ...kinds,
    ...(absent > 0 ? [gone] : []),
  ].join('\n');
}
