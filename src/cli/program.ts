import { Command, type Option } from 'commander';

import type { Session } from './command.ts';
import { commandName } from './command-name.ts';
import { declareGlobalFlags } from './flags.ts';
import { nouns } from './nouns.ts';

/** The program with its nouns; a noun's verbs are defined when the noun is used. Never ends the process. */
export function buildProgram(session: Session, version: string): Command {
  const program = new Command('mailctl')
    .description('Runs a whole outbound mail platform on Postal.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'explain a command')
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => session.terminal.stdout.write(text),
      writeErr: (text) => session.terminal.stderr.write(text),
      outputError: () => undefined,
    });
  failInWords(program, session);
  declareGlobalFlags(program);
  for (const { name, summary, group, hidden = false } of nouns) {
    program.command(name, { hidden }).summary(summary).description(sentence(summary)).helpGroup(group);
  }
  program.hook('preSubcommand', async (parent, noun) => {
    if (parent === program) await defineNoun(noun, session);
  });
  return program;
}

/** Fills in the verbs of every noun: for help, completion and the documents. */
export async function defineAll(program: Command, session: Session): Promise<void> {
  await Promise.all(program.commands.map((noun) => defineNoun(noun, session)));
}

async function defineNoun(command: Command, session: Session): Promise<void> {
  const noun = nouns.find(({ name }) => name === command.name());
  if (!noun) return;
  (await noun.load())(command, session);
  failInWords(command, session);
}

/**
 * Makes the parser throw instead of ending the process, and remember at which command it stopped.
 * No command has a verb `help` of its own: `mailctl help` and `--help` explain.
 */
function failInWords(command: Command, session: Session): void {
  command.helpCommand(false).exitOverride((error) => {
    session.reporting = { ...session.reporting, command: commandName(command) };
    throw error;
  });
  for (const option of command.options) refuseTwice(command, option);
  for (const verb of command.commands) failInWords(verb, session);
}

/** Refuses a second value of a flag that has one: the parser would take the last and drop the others without a word. */
function refuseTwice(command: Command, option: Option): void {
  const collects = option.variadic || (option.parseArg !== undefined && option.argChoices === undefined);
  if (collects || !(option.required || option.optional)) return;
  let given = 0;
  command.on(`option:${option.name()}`, () => {
    given += 1;
    if (given > 1) command.error(`option '${option.flags}' twice`, { code: 'commander.givenTwice' });
  });
}

function sentence(summary: string): string {
  return `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
}
