import type { Command } from 'commander';

import { planRescue, type Rescued } from '../../operations/postal/rescue.ts';
import { acts, type Session } from '../command.ts';

/** `mailctl postal rescue`. */
export function defineRescue(command: Command, session: Session): void {
  command
    .command('rescue')
    .description(
      'Free mail and webhooks that a worker of Postal which is gone has locked; Postal would destroy such mail.',
    )
    .option('--before <moment>', 'touch only what was locked before, such as 2026-01-31T12:00:00Z')
    .action(
      acts(
        session,
        ({ runtime }, { before }: { before?: string }) => planRescue(runtime, before),
        rescuedAsText,
      ),
    );
}

function rescuedAsText({ changed, mail, webhooks, left }: Rescued): string {
  const rest = left > 0 ? `; ${left} stay locked, as a worker that runs may have them under way` : '';
  if (changed === 0) return `nothing is locked by a worker that is gone${rest}`;
  return [
    `freed ${changed} rows${rest}`,
    `  messages  ${mail.released} to be tried again, ${mail.settled} had their end`,
    `  webhooks  ${webhooks.released} to be tried again, ${webhooks.settled} had their end`,
  ].join('\n');
}
