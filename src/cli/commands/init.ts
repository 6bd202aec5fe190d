import { type Command, Option } from 'commander';

import type { EnvFile } from '../../config/env-file.ts';
import type { VariableName } from '../../config/environment.ts';
import { domainName, emailAddress } from '../../config/shapes.ts';
import { OperatorError } from '../../domain/failure.ts';
import { lookAtFolder } from '../../operations/scaffold/folder.ts';
import { type Initialised, planInit } from '../../operations/scaffold/init.ts';
import { type Answers, type Tls, writtenTls } from '../../operations/scaffold/values.ts';
import { acts, type Context, type Session } from '../command.ts';
import type { Style } from '../output.ts';

interface InitFlags {
  readonly domain?: string;
  readonly adminEmail?: string;
  readonly tls?: Tls;
}

const tlsFlag = new Option('--tls <source>', 'where certificates come from').choices([
  'acme',
  'files',
  'off',
]);

/** `mailctl init`. */
export function defineInit(command: Command, session: Session): void {
  command
    .option('--domain <domain>', 'domain that mail is sent from')
    .option('--admin-email <address>', 'address of the person who runs the platform')
    .addOption(tlsFlag)
    .action(acts(session, plan, asText));
}

async function plan(context: Context, flags: InitFlags) {
  const found = await lookAtFolder(context.runtime);
  const answers = await collectAnswers(context, flags, found.env?.file);
  return planInit(context.runtime, found, answers);
}

async function collectAnswers(
  context: Context,
  flags: InitFlags,
  file: EnvFile | undefined,
): Promise<Answers> {
  const written = (name: VariableName) => file?.values.get(name)?.text || undefined;
  const domain = await answer(context, {
    field: '--domain',
    given: flags.domain ?? written('MAIL_DOMAIN'),
    message: 'Domain that mail is sent from',
    shape: domainName,
  });
  const adminEmail = await answer(context, {
    field: '--admin-email',
    given: flags.adminEmail ?? written('ADMIN_EMAIL'),
    message: 'Your mail address, for alerts',
    initial: `postmaster@${domain}`,
    shape: emailAddress,
  });
  return { domain, adminEmail, tls: await chooseTls(context, flags, file), asked: askedBy(flags) };
}

interface Wanted {
  readonly field: string;
  readonly given: string | undefined;
  readonly message: string;
  readonly initial?: string;
  readonly shape: typeof domainName | typeof emailAddress;
}

async function answer(context: Context, { field, given, message, initial, shape }: Wanted): Promise<string> {
  const wrong = (text: string) => shape.safeParse(text).error?.issues[0]?.message;
  const text = given ?? (canAsk(context) ? undefined : initial);
  if (text !== undefined) {
    const problem = wrong(text);
    if (problem === undefined) return shape.parse(text);
    throw new OperatorError('usage', `${field}: "${text}" ${problem}`, {
      hint: 'mailctl init --help',
      field,
    });
  }
  if (!canAsk(context)) {
    throw new OperatorError('usage', `${field} is missing, and nobody can be asked`, {
      hint: 'For example: mailctl init --domain example.com --admin-email ops@example.com',
      field,
    });
  }
  const prompts = await context.terminal.prompts();
  return shape.parse(
    await prompts.text({ message, ...(initial !== undefined && { initial }), check: wrong }),
  );
}

async function chooseTls(context: Context, { tls }: InitFlags, file: EnvFile | undefined): Promise<Tls> {
  if (tls) return tls;
  const written = file && writtenTls(file);
  if (written) return written;
  if (file || !canAsk(context)) return 'acme';
  const prompts = await context.terminal.prompts();
  return prompts.choose('Where do TLS certificates come from?', [
    { name: 'certbot, from /etc/letsencrypt', value: 'acme' },
    { name: 'files that I put into secrets/', value: 'files' },
    { name: 'no TLS: a private network only', value: 'off' },
  ] as const);
}

function canAsk({ flags, terminal }: Context): boolean {
  return terminal.canAsk && flags.input && !flags.json && !flags.yes;
}

function askedBy({ domain, adminEmail }: InitFlags): ReadonlySet<VariableName> {
  const asked = new Set<VariableName>();
  if (domain !== undefined) asked.add('MAIL_DOMAIN');
  if (adminEmail !== undefined) asked.add('ADMIN_EMAIL');
  return asked;
}

function asText({ dir, files, added, kept, next }: Initialised, style: Style): string {
  const changed = files.some(({ action }) => action !== 'kept');
  return [
    changed ? `${style.bold(dir)} is ready` : `${style.bold(dir)} lacks nothing; nothing was changed`,
    ...files.map(({ path, action, mode }) => `  ${action.padEnd(7)} ${path} (${mode})`),
    `  ${added.length} variables added${added.length > 0 && kept.length > 0 ? `: ${added.join(', ')}` : ''}, ${kept.length} kept`,
    '',
    'Next:',
    ...next.map((step) => `  ${step}`),
  ].join('\n');
}
