import type { Command } from 'commander';

import {
  type JournalChanged,
  planDrop,
  planRequeue,
  planShip,
  type WrittenRecords,
} from '../../operations/journal/change.ts';
import { findJournal, type ShownRecord } from '../../operations/journal/records.ts';
import { showRecord, showRecords, type ShownRecordWhole } from '../../operations/journal/show.ts';
import type { Plan } from '../../operations/plan.ts';
import type { Runtime } from '../../runtime.ts';
import { acts, looks, type Session } from '../command.ts';
import type { Style } from '../output.ts';

interface Action {
  readonly description: string;
  plan(runtime: Runtime, which: WrittenRecords): Promise<Plan<JournalChanged>>;
  asText(changed: JournalChanged): string;
}

const actions: Readonly<Record<'requeue' | 'drop', Action>> = {
  requeue: {
    description: 'Hand refused records back to the relay, which ships them once more.',
    plan: planRequeue,
    asText: ({ changed }) => `${changed} records are handed back`,
  },
  drop: {
    description: 'Delete records for good; the messages in them are lost.',
    plan: planDrop,
    asText: ({ changed }) => `${changed} records are dropped`,
  },
};

/** `mailctl journal list|show|requeue|drop|ship`. */
export function defineJournal(command: Command, session: Session): void {
  command
    .command('list')
    .description('List what the relay accepted and cannot ship: refused by the api, or damaged.')
    .action(looks(session, async ({ runtime }) => showRecords(await findJournal(runtime)), recordsAsText));
  command
    .command('show')
    .description('Show one record with the envelope of its message.')
    .argument('<id>', 'id of the record, from mailctl journal list')
    .action(
      looks(
        session,
        async ({ runtime }, id: string) => showRecord(await findJournal(runtime), id),
        recordAsText,
      ),
    );
  for (const [verb, { description, plan, asText }] of Object.entries(actions)) {
    command
      .command(verb)
      .description(description)
      .argument('[id...]', 'ids of records')
      .option('--all', 'every record that can be meant')
      .action(
        acts(
          session,
          ({ runtime }, ids: string[], { all = false }: { all?: boolean }) => plan(runtime, { ids, all }),
          asText,
        ),
      );
  }
  defineShip(command, session);
}

function defineShip(command: Command, session: Session): void {
  command
    .command('ship')
    .description('Ship again what the api acknowledged, as after a restore; nothing is stored twice.')
    .requiredOption('--since <when>', 'from this time on, or for this long, such as 2h')
    .action(
      acts(
        session,
        ({ runtime }, { since }: { since: string }) => planShip(runtime, since),
        () => 'the relay is asked to ship it again',
      ),
    );
}

function recordsAsText({ records }: { readonly records: readonly ShownRecord[] }, style: Style): string {
  if (records.length === 0) return 'nothing is set aside';
  return records
    .map(({ id, kind, reason, since, bytes }) =>
      [style.bold(id), kind.padEnd(8), since.slice(0, 19), `${bytes} bytes`, oneLine(reason)].join('  '),
    )
    .join('\n');
}

function recordAsText({ record }: { readonly record: ShownRecordWhole }, style: Style): string {
  const { id, kind, reason, since, bytes, message, path } = record;
  return [
    `${style.bold(id)}  ${kind}`,
    `  since     ${since}`,
    `  reason    ${oneLine(reason)}`,
    `  bytes     ${bytes}`,
    ...(path === null ? [] : [`  file      ${path}`]),
    ...(message === null ? ['  its message cannot be read'] : messageAsText(message)),
  ].join('\n');
}

function messageAsText(message: NonNullable<ShownRecordWhole['message']>): readonly string[] {
  const { received_at: receivedAt, client, credential_id: credential, mail_from: from } = message;
  return [
    `  received  ${receivedAt} from ${client.name} [${client.address}], ${credential}`,
    `  from      ${from === '' ? '<>' : from}`,
    ...message.rcpt_to.map((address) => `  to        ${address}`),
    `  subject   ${oneLine(message.subject ?? '')}`.trimEnd(),
  ];
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
