import { readFile } from 'node:fs/promises';

import { CommanderError } from 'commander';

import type { Session } from './command.ts';
import { buildProgram } from './program.ts';
import type { Terminal } from './terminal.ts';

/** Runs one command line and returns its exit code. Never throws and never ends the process. */
export async function run(argv: readonly string[], terminal: Terminal, stop: AbortSignal): Promise<number> {
  const json = argv.includes('--json');
  const session: Session = {
    terminal,
    stop,
    reporting: {
      command: argv.find((word) => !word.startsWith('-')) ?? 'mailctl',
      json,
      color: !argv.includes('--no-color'),
      verbose: false,
      warnings: [],
    },
    exit: 0,
  };
  try {
    const program = buildProgram(session, await version());
    if (argv.length === 0) terminal.stdout.write(program.helpInformation());
    else await program.parseAsync([...argv], { from: 'user' });
    return session.exit;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const { reportFailure } = await import('./report-failure.ts');
    return reportFailure(error, terminal, session.reporting);
  }
}

/** The version in package.json. */
export async function version(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  return /"version": "([^"]+)"/.exec(text)?.[1] ?? 'unknown';
}
