import { Argument, type Command } from 'commander';

import { allVariables } from '../../config/environment.ts';
import { failures } from '../../domain/failure.ts';
import {
  checkConfig,
  type Explained,
  explainVariable,
  looseMode,
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
    .action(
      looks(
        session,
        (context) => check(context, session),
        () => verdict(session),
      ),
    );
  command
    .command('show')
    .description('Show every variable; secrets are never printed.')
    .option('--origin', 'say where each value comes from')
    .action(
      looks(
        session,
        async (context, { origin }: { origin?: true }) => ({
          variables: await show(context),
          origin: origin === true,
        }),
        variablesAsText,
      ),
    );
  command
    .command('explain')
    .description('Explain one variable.')
    .addArgument(variableName())
    .action(
      looks(
        session,
        async ({ runtime }, name: string) => explainVariable(name, await runtime.sources()),
        explainedAsText,
      ),
    );
}

/** Completed by the shell, but not checked by the parser: our own failure names the nearest one. */
function variableName(): Argument {
  const argument = new Argument('<name>', 'name of the variable, such as API_RATE_LIMIT');
  argument.argChoices = [...allVariables];
  return argument;
}

/** With warnings the exit code is that of a thing done in part, so that a script sees them too. */
async function check({ runtime, output }: Context, session: Session) {
  const { problems, warnings } = checkConfig(await runtime.sources());
  for (const warning of [...warnings, ...(await looseMode(runtime))]) output.warn(warning);
  if (output.warnings.length > 0) session.exit = failures['partly-done'].exit;
  return { problems };
}

function verdict({ reporting: { warnings } }: Session): string {
  const valid = 'the configuration is complete and valid';
  if (warnings.length === 0) return valid;
  return `${valid}, with ${warnings.length} warning${warnings.length === 1 ? '' : 's'}`;
}

async function show({ runtime, output }: Context): Promise<readonly ShownVariable[]> {
  const { variables, warnings } = showConfig(await runtime.sources());
  for (const warning of warnings) output.warn(warning);
  return variables;
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
