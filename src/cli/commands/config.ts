import type { Command } from 'commander';

import {
  type Explained,
  checkConfig,
  explainVariable,
  showConfig,
  type ShownVariable,
} from '../../operations/config/show.ts';
import { type Context, looks, type Session } from '../command.ts';
import type { Style } from '../output.ts';

/** `mailctl config check|show|explain`. */
export function defineConfig(command: Command, session: Session): void {
  command
    .command('check')
    .description('Check every variable, and name what is wrong.')
    .action(looks(session, check, () => 'the configuration is complete and valid'));
  command
    .command('show')
    .description('Show every variable; secrets are never printed.')
    .option('--origin', 'say where each value comes from')
    .action(
      looks(
        session,
        async ({ runtime }, { origin }: { origin?: true }) => ({
          ...showConfig(await runtime.sources()),
          origin: origin === true,
        }),
        variablesAsText,
      ),
    );
  command
    .command('explain')
    .description('Explain one variable.')
    .argument('<name>', 'name of the variable, such as API_RATE_LIMIT')
    .action(
      looks(
        session,
        async ({ runtime }, name: string) => explainVariable(name, await runtime.sources()),
        explainedAsText,
      ),
    );
}

async function check({ runtime, output }: Context) {
  const { problems, warnings } = checkConfig(await runtime.sources());
  for (const warning of warnings) output.warn(warning);
  return { problems };
}

function variablesAsText(
  { variables, origin }: { variables: readonly ShownVariable[]; origin: boolean },
  style: Style,
): string {
  const width = Math.max(...variables.map(({ name }) => name.length));
  return variables
    .map(({ name, value, origin: from }) => {
      const comment = origin ? style.dim(`  # ${from}`) : '';
      return `${name.padEnd(width)}  ${value ?? style.dim('(unset)')}${comment}`;
    })
    .join('\n');
}

function explainedAsText(explained: Explained, style: Style): string {
  const rows: [string, string | null][] = [
    ['means', explained.means],
    ['section', explained.section],
    ['read by', explained.read_by.join(', ')],
    ['default', explained.default ?? (explained.required ? '(none: required)' : '(none)')],
    ['as a file', explained.file_variable],
    ['now', `${explained.value ?? '(unset)'} (${explained.origin})`],
  ];
  const lines = rows
    .filter(([, text]) => text !== null)
    .map(([label, text]) => `  ${label.padEnd(9)}  ${text}`);
  return [style.bold(explained.name), ...lines].join('\n');
}
