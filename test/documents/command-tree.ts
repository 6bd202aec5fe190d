import type { Command } from 'commander';

import { openSession } from '../../src/cli/run.ts';
import { fakeTerminal } from '../fakes/terminal.ts';

/** One word of a command line that takes words, flags or verbs behind it. */
export interface CommandEntry {
  /** `config show`; empty for the program itself. */
  readonly name: string;
  readonly summary: string;
  readonly group: string;
  /** Its arguments as the help writes them: `<name>`. */
  readonly operands: string;
  /** Its flags with their names and whether a value follows. */
  readonly flags: readonly Flag[];
  /** It does something itself, whatever its verbs do. */
  readonly acts: boolean;
  readonly verbs: readonly CommandEntry[];
}

export interface Flag {
  /** As the help writes it: `--domain <domain>`. */
  readonly written: string;
  readonly names: readonly string[];
  readonly takesValue: boolean;
  /** Without it the command is refused. */
  readonly isRequired: boolean;
  readonly means: string;
}

/** The whole tree that a person can type, hidden commands left out. Nothing is run. */
export async function commandTree(): Promise<CommandEntry> {
  const session = openSession([], fakeTerminal(), new AbortController().signal);
  return entryOf(await session.wholeProgram(), '');
}

function entryOf(command: Command, name: string): CommandEntry {
  const help = command.createHelp();
  return {
    name,
    summary: command.description().replace(/\.$/, ''),
    group: command.helpGroup().replace(/:$/, ''),
    operands: command.registeredArguments
      .map((argument) => help.argumentTerm(argument))
      .map(bracketed(command))
      .join(' '),
    flags: command.options.map((option) => ({
      written: option.flags,
      names: [option.short, option.long].filter((flag) => flag !== undefined),
      takesValue: option.required || option.optional,
      isRequired: option.mandatory,
      means: option.description,
    })),
    acts: actsItself(command),
    verbs: help.visibleCommands(command).map((verb) => entryOf(verb, `${name} ${verb.name()}`.trim())),
  };
}

/** Commander tells nobody whether an action was given. */
export function actsItself(command: Command): boolean {
  return Boolean(Reflect.get(command, '_actionHandler'));
}

function bracketed(command: Command) {
  return (term: string, index: number): string => {
    const argument = command.registeredArguments[index];
    const word = argument?.variadic ? `${term}…` : term;
    return argument?.required ? `<${word}>` : `[${word}]`;
  };
}
