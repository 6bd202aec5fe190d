import type { Command } from 'commander';

import { readDurationFlag } from '../../domain/duration-flag.ts';
import { planRollback } from '../../operations/upgrade/rollback.ts';
import { planUpgrade } from '../../operations/upgrade/upgrade.ts';
import { acts, type Context, type Session } from '../command.ts';
import { workplace } from './backup-workplace.ts';

const wait = [
  '--wait <duration>',
  'how long to wait for health at most, such as 10m (default: UP_TIMEOUT)',
] as const;

interface UpgradeFlags {
  readonly wait?: string;
}

/** `mailctl upgrade` and `mailctl upgrade rollback`. */
export function defineUpgrade(command: Command, session: Session): void {
  command
    .description(
      'Back up, bring every image to what its name means today, and prove it; goes back when that fails.',
    )
    .option(...wait)
    .action(
      acts(
        session,
        async (context, flags: UpgradeFlags) =>
          planUpgrade(await workplace(context), await wayOf(context, flags)),
        ({ done }) => done,
      ),
    );
  command
    .command('rollback')
    .description(
      'Go back to the images that ran before the last upgrade, unless a database was migrated since.',
    )
    .option(...wait)
    .action(
      acts(
        session,
        async (context, flags: UpgradeFlags) => planRollback(context.runtime, await wayOf(context, flags)),
        ({ done }) => done,
      ),
    );
}

async function wayOf({ runtime, output, stop }: Context, flags: UpgradeFlags) {
  const { UP_TIMEOUT } = await runtime.config('operator');
  const withinMs = flags.wait === undefined ? UP_TIMEOUT : readDurationFlag('--wait', flags.wait, '10m');
  return { withinMs, stop, tell: (line: string) => output.note(line) };
}
