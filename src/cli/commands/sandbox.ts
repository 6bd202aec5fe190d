import { once } from 'node:events';

import type { Command } from 'commander';

import type { Sandbox } from '../../sandbox/start.ts';
import { type Context, runs, type Session } from '../command.ts';
import { openSandbox } from '../sandbox.ts';

/** `mailctl sandbox`. */
export function defineSandbox(command: Command, session: Session): void {
  command
    .description(
      'Run the whole platform in one process on free loopback ports until Ctrl-C, which leaves nothing behind.',
    )
    .action(runs(session, run));
}

async function run(context: Context): Promise<void> {
  const { output, stop } = context;
  if (context.flags.dryRun) {
    output.result(
      { services: ['postgres', 'api', 'postal', 'worker', 'relay'] },
      () => 'would start PostgreSQL, api, a Postal stand-in, worker and relay on free ports of 127.0.0.1',
    );
    return;
  }
  await using sandbox = await openSandbox(context);
  const card = describe(sandbox);
  output.line(card, asText(card));
  if (!stop.aborted) await once(stop, 'abort');
  output.note('stopping');
}

/** What a sandbox that is ready says of itself. */
export interface SandboxCard {
  readonly dir: string;
  readonly smtp: {
    readonly host: string;
    readonly port: number;
    readonly username: string;
    readonly password: string;
  };
  readonly api: { readonly url: string; readonly key: string };
  readonly postal: { readonly url: string };
  readonly mailbox: { readonly url: string };
  readonly webhook: { readonly url: string; readonly secret: string };
  readonly try: readonly string[];
}

/** All that a sandbox is reached by. Its credentials are shown: they are worth nothing anywhere else. */
function describe({ dir, submission, user, api, webhook, postal }: Sandbox): SandboxCard {
  const smtp = {
    host: submission?.host ?? '',
    port: submission?.port ?? 0,
    username: user.username,
    password: user.password.reveal(),
  };
  const key = api.key.reveal();
  const from = 'you@sandbox.test';
  const message = JSON.stringify({
    from,
    to: 'somebody@recipient.test',
    subject: 'Hello',
    html: '<a href="https://example.com">Hi</a>',
  });
  return {
    dir,
    smtp,
    api: { url: api.url, key },
    postal: { url: postal.url },
    mailbox: { url: postal.mailboxUrl },
    webhook: { url: webhook.url, secret: webhook.secret.reveal() },
    try: [
      `swaks --server ${smtp.host}:${smtp.port} --tls --auth PLAIN --auth-user ${smtp.username} --auth-password=${smtp.password} --from ${from} --to somebody@recipient.test`,
      `curl -s ${api.url}/v1/messages -H 'Authorization: Bearer ${key}' -H 'Content-Type: application/json' -d '${message}'`,
      `mailctl -C ${dir} e2e`,
    ],
  };
}

function asText({ dir, smtp, api, postal, mailbox, webhook, try: lines }: SandboxCard): string {
  const rows = [
    ['SMTP', `${smtp.host}:${smtp.port} (STARTTLS), user ${smtp.username}, password ${smtp.password}`],
    ['API', `${api.url}, key ${api.key}`],
    ['Mailbox', mailbox.url],
    ['Webhooks', `${webhook.url}, secret ${webhook.secret}`],
    ['Postal', `${postal.url} (a stand-in)`],
    ['Folder', dir],
  ];
  return [
    'The sandbox is ready. Ctrl-C ends it and leaves nothing behind.',
    '',
    ...rows.map(([name = '', text]) => `  ${name.padEnd(9)} ${text}`),
    '',
    'Try:',
    ...lines.map((line) => `  ${line}`),
  ].join('\n');
}
