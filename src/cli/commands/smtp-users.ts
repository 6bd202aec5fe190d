import type { Command } from 'commander';

import type { Plan } from '../../operations/plan.ts';
import type { WrittenBounds } from '../../operations/smtp-users/bounds.ts';
import {
  type ChangedUser,
  planBounds,
  planDisabling,
  planEnabling,
  planRemoval,
} from '../../operations/smtp-users/change.ts';
import { type CreatedUser, planSmtpUser } from '../../operations/smtp-users/create.ts';
import { showSmtpUsers, type ShownUser } from '../../operations/smtp-users/show.ts';
import { warnOfUnverified } from '../../operations/smtp-users/unverified.ts';
import type { Runtime } from '../../runtime.ts';
import { acts, type Context, looks, type Session } from '../command.ts';
import type { Style } from '../output.ts';

const username = ['<username>', 'the name it logs in with'] as const;

/** `mailctl smtp-users list|create|set|disable|enable|remove`. */
export function defineSmtpUsers(command: Command, session: Session): void {
  command
    .command('list')
    .description('List who may submit over SMTP.')
    .action(looks(session, async ({ runtime }) => showSmtpUsers(await runtime.postgres()), usersAsText));
  bounded(command.command('create'))
    .description('Create an SMTP user; its password is shown once.')
    .action(
      acts(
        session,
        (context, name: string, flags: WrittenBounds) => planWarning(context, planSmtpUser, name, flags),
        createdAsText,
      ),
    );
  bounded(command.command('set'))
    .description('Change what bounds a user.')
    .action(
      acts(
        session,
        (context, name: string, flags: WrittenBounds) => planWarning(context, planBounds, name, flags),
        ({ user }, style) => userAsText(user, style),
      ),
    );
  defineStates(command, session);
}

/** A plan that concerns a user's bounds, after a warning of the domains that would do it no good. */
async function planWarning<T>(
  { runtime, output }: Context,
  plan: (runtime: Runtime, username: string, written: WrittenBounds) => Promise<Plan<T>>,
  name: string,
  flags: WrittenBounds,
): Promise<Plan<T>> {
  const written = boundsIn(flags);
  const planned = await plan(runtime, name, written);
  for (const warning of await warnOfUnverified(runtime, written)) output.warn(warning);
  return planned;
}

function defineStates(command: Command, session: Session): void {
  command
    .command('disable')
    .description('Refuse a user from now on; mail that it was answered 250 for is still sent.')
    .argument(...username)
    .option('--hold-queued', 'hold what it has in the queue too')
    .action(
      acts(
        session,
        ({ runtime }, name: string, { holdQueued = false }: { readonly holdQueued?: boolean }) =>
          planDisabling(runtime, name, { holdQueued }),
        disabledAsText,
      ),
    );
  command
    .command('enable')
    .description('Let a disabled user log in again.')
    .argument(...username)
    .action(
      acts(
        session,
        ({ runtime }, name: string) => planEnabling(runtime, name),
        ({ user }, style) => userAsText(user, style),
      ),
    );
  command
    .command('remove')
    .description('Remove a user; mail it has sent stays.')
    .argument(...username)
    .action(
      acts(
        session,
        ({ runtime }, name: string) => planRemoval(runtime, name),
        ({ user }) => `${user.username} is removed`,
      ),
    );
}

function bounded(command: Command): Command {
  return command
    .argument(...username)
    .option('--domain <domain>', 'a domain its mail may be from (repeatable), or any', collect)
    .option('--network <cidr>', 'a network it may log in from (repeatable), or any', collect)
    .option('--rate <n/period>', 'messages per period, such as 100/1h, or none')
    .option('--daily-limit <n>', 'messages a UTC day, or none');
}

function collect(word: string, before: readonly string[] = []): readonly string[] {
  return [...before, word];
}

/** The flags of this command alone, without the global ones. */
function boundsIn({ domain, network, rate, dailyLimit }: WrittenBounds): WrittenBounds {
  return {
    ...(domain && { domain }),
    ...(network && { network }),
    ...(rate !== undefined && { rate }),
    ...(dailyLimit !== undefined && { dailyLimit }),
  };
}

function usersAsText({ users }: { readonly users: readonly ShownUser[] }, style: Style): string {
  if (users.length === 0) return 'nobody may submit yet: mailctl smtp-users create NAME';
  return users.map((user) => userAsText(user, style)).join('\n');
}

function userAsText({ username, state, ...user }: ShownUser, style: Style): string {
  return [
    style.bold(username.padEnd(20)),
    state === 'active' ? state.padEnd(8) : style.yellow(state.padEnd(8)),
    `from ${listOr(user.domains, 'any domain')}`,
    `in ${listOr(user.networks, 'any network')}`,
    `rate ${user.rate ?? 'none'}`,
    `daily ${user.daily_limit ?? 'none'}`,
    `used ${user.last_used_at?.slice(0, 10) ?? 'never'}`,
  ].join('  ');
}

function listOr(words: readonly string[], otherwise: string): string {
  return words.length > 0 ? words.join(',') : otherwise;
}

function createdAsText({ user, password, try: line }: CreatedUser, style: Style): string {
  return [
    `${style.bold(user?.username ?? '')} may submit`,
    `  PASSWORD=${password ?? ''}`,
    '  It is shown this once. Try it; swaks asks for the password:',
    `  ${line}`,
  ].join('\n');
}

function disabledAsText({ user, held }: ChangedUser): string {
  const line = `${user.username} is disabled`;
  if (held === undefined) return line;
  return `${line}; ${held} recipients are held, and what relays still hand over will be (mailctl queue release)`;
}
