import { readFile } from 'node:fs/promises';

import { CommanderError } from 'commander';

import type { Session } from './command.ts';
import { buildProgram, defineAll } from './program.ts';
import type { Terminal } from './terminal.ts';

/** Runs one command line and returns its exit code. Never throws and never ends the process. */
export async function run(argv: readonly string[], terminal: Terminal, stop: AbortSignal): Promise<number> {
  const session = openSession(argv, terminal, stop);
  try {
    const program = buildProgram(session, await version());
    if (argv.length === 0) terminal.stdout.write(program.helpInformation());
    else await program.parseAsync([...argv], { from: 'user' });
    return session.exit;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const { reportFailure } = await import('./report-failure.ts');
    return reportFailure(error, terminal, { ...session.reporting, signal: stop.reason });
  }
}

/** What one run starts from. */
export function openSession(argv: readonly string[], terminal: Terminal, stop: AbortSignal): Session {
  const session: Session = {
    terminal,
    stop,
    reporting: reportingOf(argv),
    exit: 0,
    wholeProgram: async () => {
      const program = buildProgram(session, await version());
      await defineAll(program, session);
      return program;
    },
  };
  return session;
}

/** How to report before the parser has read the flags: it may be the parser that fails. */
function reportingOf(argv: readonly string[]): Session['reporting'] {
  const end = argv.indexOf('--');
  const flags = new Set(end < 0 ? argv : argv.slice(0, end));
  return {
    command: '',
    json: flags.has('--json'),
    color: !flags.has('--no-color'),
    verbose: flags.has('--verbose') || flags.has('-v'),
    warnings: [],
  };
}

/** The version in package.json. */
async function version(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  return /"version": "([^"]+)"/.exec(text)?.[1] ?? 'unknown';
}
