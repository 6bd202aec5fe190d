import type { Command } from 'commander';

import { planQueueChange, type QueueChanged, type WantedChange } from '../../operations/queue/change.ts';
import type { WrittenFilter } from '../../operations/queue/filter.ts';
import { planPause, planResume } from '../../operations/queue/sending.ts';
import { showMessage, showQueue, type ShownMessage, type ShownQueue } from '../../operations/queue/show.ts';
import { acts, looks, type Session } from '../command.ts';
import { pageLimit } from '../page-limit.ts';
import type { Style } from '../output.ts';

interface ListFlags extends WrittenFilter {
  readonly limit: string;
  readonly cursor?: string;
}

interface ActFlags extends WrittenFilter {
  readonly reason?: string;
  readonly for?: string;
}

const actions: Readonly<Record<WantedChange['act'], string>> = {
  hold: 'Keep messages from being handed to Postal.',
  release: 'Let held messages go on.',
  retry: 'Try again what Postal never took and was given up.',
  drop: 'Take messages out for good; they are never sent.',
};

/** `mailctl queue list|show|hold|release|retry|drop|pause|resume`. */
export function defineQueue(command: Command, session: Session): void {
  defineLooks(command, session);
  for (const [act, description] of Object.entries(actions) as [WantedChange['act'], string][]) {
    const verb = withFilter(
      command.command(act).description(description).argument('[id...]', 'ids of messages'),
    )
      .option('--all', 'every message that can be meant')
      .option('--reason <text>', 'why, for the timeline of each message');
    if (act === 'hold') verb.option('--for <duration>', 'release by itself after this time, such as 2h');
    verb.action(
      acts(
        session,
        ({ runtime }, ids: string[], flags: ActFlags) =>
          planQueueChange(runtime, {
            act,
            which: { ...flags, ids },
            reason: flags.reason,
            holdFor: flags.for,
          }),
        changedAsText,
      ),
    );
  }
  definePause(command, session);
}

function defineLooks(command: Command, session: Session): void {
  withFilter(command.command('list').description('List what is not with Postal yet, oldest first.'))
    .option('--limit <number>', 'messages of one page', '50')
    .option('--cursor <id>', 'go on behind this message')
    .action(
      looks(
        session,
        async ({ runtime }, { limit, cursor, ...filter }: ListFlags) =>
          showQueue(await runtime.postgres(), filter, { limit: pageLimit(limit), cursor }),
        queueAsText,
      ),
    );
  command
    .command('show')
    .description('Show one message and where each recipient stands.')
    .argument('<id>', 'id of the message, msg_…')
    .action(
      looks(
        session,
        async ({ runtime }, id: string) => showMessage(await runtime.postgres(), id),
        messageAsText,
      ),
    );
}

function definePause(command: Command, session: Session): void {
  command
    .command('pause')
    .description('Hand nothing to Postal any more; mail is still accepted.')
    .requiredOption('--reason <text>', 'why: it stands in status and in the log')
    .option('--for <duration>', 'resume by itself after this time, such as 2h')
    .action(
      acts(
        session,
        ({ runtime }, flags: { reason: string; for?: string }) =>
          planPause(runtime, { reason: flags.reason, lasting: flags.for }),
        () => 'sending is paused; mail is accepted and waits',
      ),
    );
  command
    .command('resume')
    .description('Hand messages to Postal again.')
    .action(
      acts(
        session,
        ({ runtime }) => planResume(runtime),
        ({ changed }) => (changed ? 'sending goes on' : 'sending was not paused'),
      ),
    );
}

function withFilter(command: Command): Command {
  return command
    .option('--domain <domain>', 'to recipients of this domain')
    .option('--campaign <tag>', 'with this tag')
    .option('--key <id>', 'submitted with this API key or by this SMTP user (its id)')
    .option('--age <duration>', 'received longer ago than this, such as 2h')
    .option('--state <state>', 'whose recipients are in this state');
}

function changedAsText({ changed }: QueueChanged): string {
  return `${changed} recipients changed`;
}

function queueAsText({ messages, next_cursor }: ShownQueue, style: Style): string {
  if (messages.length === 0) return 'nothing waits';
  const rows = messages.map(({ id, state, received_at, attempts, recipients, campaign, priority }) => {
    const to = recipients.length === 1 ? (recipients[0]?.address ?? '') : `${recipients.length} recipients`;
    return [
      style.bold(id),
      state.padEnd(9),
      received_at.slice(0, 19),
      `${attempts} attempts`,
      to,
      campaign ?? '',
      priority === 'normal' ? '' : priority,
    ]
      .join('  ')
      .trimEnd();
  });
  return [...rows, ...(next_cursor ? [`more: the same with --cursor ${next_cursor}`] : [])].join('\n');
}

function messageAsText({ message }: { readonly message: ShownMessage }, style: Style): string {
  const { id, state, received_at, next_attempt_at, attempts, mail_from, subject, priority } = message;
  return [
    `${style.bold(id)}  ${state}`,
    `  received  ${received_at}`,
    `  from      ${mail_from === '' ? '<>' : mail_from}`,
    `  subject   ${subject ?? ''}`,
    ...(priority === 'normal' ? [] : [`  priority  ${priority}`]),
    `  next try  ${next_attempt_at ?? 'none'} (${attempts} attempts so far)`,
    ...message.recipients.map(
      ({ address, state: where, detail }) => `  ${where.padEnd(9)} ${address}${detail ? `  ${detail}` : ''}`,
    ),
  ].join('\n');
}
