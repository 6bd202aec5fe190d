import type { Command } from 'commander';

import { openSession } from '../../src/cli/run.ts';
import { actsItself } from '../documents/command-tree.ts';
import { fakeTerminal } from '../fakes/terminal.ts';

/** A command that does something. */
export interface CommandLine {
  /** Its words: `config explain`. */
  readonly name: string;
  /** What is typed: its words, and a word for each argument and flag that it requires. */
  readonly argv: readonly string[];
}

/** Every command of the program, hidden ones too. */
export async function everyCommand(): Promise<readonly CommandLine[]> {
  const { wholeProgram } = openSession([], fakeTerminal(), new AbortController().signal);
  return leaves(await wholeProgram(), []);
}

function leaves(command: Command, words: readonly string[]): readonly CommandLine[] {
  const verbs = command.commands.flatMap((verb) => leaves(verb, [...words, verb.name()]));
  if (!actsItself(command)) return verbs;
  const required = command.registeredArguments.filter((argument) => argument.required);
  const values = required.map((argument) => argument.argChoices?.[0] ?? 'word');
  const flags = command.options
    .filter(({ mandatory }) => mandatory)
    .flatMap(({ long = '', argChoices }) => [long, argChoices?.[0] ?? 'word']);
  return [{ name: words.join(' '), argv: [...words, ...values, ...flags] }, ...verbs];
}
