import type { Command } from 'commander';

import { readDurationFlag } from '../../domain/duration-flag.ts';
import { showPlan } from '../../operations/plan.ts';
import { planDown, planRestart } from '../../operations/stack/down.ts';
import { planUp, type Started } from '../../operations/stack/up.ts';
import { acts, type Context, type Session } from '../command.ts';
import { planAsText, type Style } from '../output.ts';
import { servicesAsText } from './status.ts';

interface UpFlags {
  readonly profile?: readonly string[];
  readonly only?: true;
  readonly pull?: true;
  readonly wait?: string;
}

/** `mailctl up [SERVICE…]`. */
export function defineUp(command: Command, session: Session): void {
  command
    .description(
      'Bring the stack up: databases, Postal, api, worker, relay, each when what it waits for is healthy.',
    )
    .argument('[service...]', 'services to start, with all that they wait for; every one when none is named')
    .option('--profile <name...>', 'services of these profiles too')
    .option('--only', 'only the named services, without what they wait for')
    .option('--pull', 'pull images although they are there')
    .option('--wait <duration>', 'how long to wait for health at most, such as 10m (default: UP_TIMEOUT)')
    .action(acts(session, plan, startedAsText));
}

async function plan(context: Context, names: string[], flags: UpFlags) {
  const { runtime, output } = context;
  const { UP_TIMEOUT } = await runtime.config('operator');
  const wanted = {
    names,
    only: flags.only ?? false,
    pull: flags.pull ?? false,
    profiles: flags.profile ?? [],
    withinMs: flags.wait === undefined ? UP_TIMEOUT : readDurationFlag('--wait', flags.wait, '10m'),
  };
  const planned = await planUp(runtime, wanted, (line) => output.note(line));
  for (const { what, remedy } of planned.warnings) output.warn(`${what}. ${remedy}`);
  if (planned.steps.length > 0 && !context.flags.dryRun) output.note(planAsText(showPlan(planned)));
  return planned;
}

function startedAsText({ services, urls }: Started, style: Style): string {
  return [
    ...servicesAsText(services, style),
    '',
    ...Object.entries(urls).map(([name, url]) => `${name.padEnd(8)} ${url}`),
    `login    ${urls['postal']} with ADMIN_EMAIL; the password is in secrets/postal-admin-password`,
    '',
    'Next: mailctl e2e',
  ].join('\n');
}

/** `mailctl down`. */
export function defineDown(command: Command, session: Session): void {
  command
    .description('Stop the stack, the relay first, once what is in flight is finished. Data stays.')
    .option('--volumes', 'destroy the data too')
    .option('--confirm <name>', 'the name of the stack whose data is to be destroyed')
    .action(
      acts(
        session,
        ({ runtime }, { volumes = false, confirm }: { volumes?: boolean; confirm?: string }) =>
          planDown(runtime, { volumes, confirmed: confirm }),
        ({ done }) => done,
      ),
    );
}

/** `mailctl restart [SERVICE…]`. */
export function defineRestart(command: Command, session: Session): void {
  command
    .description('Restart services one after the other, each when the one before is well.')
    .argument('[service...]', 'services to restart; every one when none is named')
    .action(
      acts(
        session,
        ({ runtime }, names: string[]) => planRestart(runtime, names),
        ({ done }) => done,
      ),
    );
}
