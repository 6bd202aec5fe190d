import type { Argument, Command, Option } from 'commander';

/** A word that may stand next, and what it means. */
export interface Completion {
  readonly value: string;
  readonly description: string;
}

/** What may stand in place of the last word; nothing where only the shell knows, as with a file name. */
export function completionsOf(program: Command, words: readonly string[]): readonly Completion[] {
  const current = words.at(-1) ?? '';
  const place = walk(program, words.slice(0, -1));
  return candidates(place, current).filter(({ value }) => value.startsWith(current));
}

/** Where a command line has come to. */
interface Place {
  readonly command: Command;
  readonly operands: number;
  /** A flag whose value comes next. */
  readonly open: Option | undefined;
}

function walk(program: Command, words: readonly string[]): Place {
  let place: Place = { command: program, operands: 0, open: undefined };
  for (const word of words) place = step(place, word);
  return place;
}

function step({ command, operands, open }: Place, word: string): Place {
  if (open) return { command, operands, open: undefined };
  if (word.startsWith('-')) {
    const option = word.includes('=') ? undefined : findFlag(command, word);
    return { command, operands, open: option && takesValue(option) ? option : undefined };
  }
  const verb = subject(command).commands.find((candidate) => candidate.name() === word);
  return verb ? { command: verb, operands: 0, open } : { command, operands: operands + 1, open };
}

function candidates({ command, operands, open }: Place, current: string): readonly Completion[] {
  if (open) return choicesOf(open);
  const [flag, value] = current.split('=', 2);
  if (value !== undefined && flag?.startsWith('--')) {
    const option = findFlag(command, flag);
    return choicesOf(option).map((choice) => ({ ...choice, value: `${flag}=${choice.value}` }));
  }
  if (current.startsWith('-')) return flagsOf(command).map(flagCompletion);
  return [...(operands === 0 ? verbsOf(command) : []), ...choicesOf(argumentAt(command, operands))];
}

function verbsOf(command: Command): readonly Completion[] {
  const above = subject(command);
  const verbs = above.createHelp().visibleCommands(above);
  return verbs.map((verb) => ({ value: verb.name(), description: verb.summary() || verb.description() }));
}

/** `help` speaks of all commands, so behind it the tree begins anew. */
function subject(command: Command): Command {
  return command.name() === 'help' && command.parent ? command.parent : command;
}

function flagsOf(command: Command): readonly Option[] {
  const above = command.parent ? flagsOf(command.parent) : [];
  return [...command.options.filter(({ hidden }) => !hidden), ...above];
}

function findFlag(command: Command, word: string): Option | undefined {
  return flagsOf(command).find(({ short, long }) => short === word || long === word);
}

function flagCompletion({ long, short, description }: Option): Completion {
  return { value: long ?? short ?? '', description };
}

function takesValue({ required, optional }: Option): boolean {
  return required || optional;
}

function argumentAt(command: Command, index: number): Argument | undefined {
  const last = command.registeredArguments.at(-1);
  return command.registeredArguments[index] ?? (last?.variadic ? last : undefined);
}

function choicesOf(from: { readonly argChoices?: readonly string[] } | undefined): readonly Completion[] {
  return (from?.argChoices ?? []).map((value) => ({ value, description: '' }));
}
