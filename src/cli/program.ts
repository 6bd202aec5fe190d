import { Command } from 'commander';

import type { Session } from './command.ts';
import { declareGlobalFlags } from './flags.ts';
import { nouns } from './nouns.ts';

/** The program with its nouns; a noun's verbs are defined when the noun is used. Never ends the process. */
export function buildProgram(session: Session, version: string): Command {
  const program = new Command('mailctl')
    .description('Runs a whole outbound mail platform on Postal.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'explain a command')
    .helpCommand(false)
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => session.terminal.stdout.write(text),
      writeErr: (text) => session.terminal.stderr.write(text),
      outputError: () => undefined,
    });
  declareGlobalFlags(program);
  const defined = new Set<Command>();
  for (const { name, summary, group, hidden = false } of nouns) {
    program
      .command(name, { hidden })
      .summary(summary)
      .description(sentence(summary))
      .helpGroup(group)
      .helpCommand(false);
  }
  program.hook('preSubcommand', async (_, noun) => defineNoun(noun, session, defined));
  return program;
}

/** Fills in the verbs of every noun: for help, completion and the documents. */
export async function defineAll(program: Command, session: Session): Promise<void> {
  for (const noun of program.commands) await defineNoun(noun, session, new Set());
}

async function defineNoun(command: Command, session: Session, defined: Set<Command>): Promise<void> {
  const noun = nouns.find(({ name }) => name === command.name());
  if (!noun || defined.has(command) || command.parent?.parent) return;
  defined.add(command);
  (await noun.load())(command, session);
}

function sentence(summary: string): string {
  return `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
}
