import type { CommanderError } from 'commander';

import { OperatorError } from '../domain/failure.ts';

/** What is said of one kind of the parser's errors; the groups of `found` are the words it quotes. */
interface Wording {
  readonly found: RegExp;
  say(words: readonly string[]): { readonly message: string; readonly field: string };
}

const wordings: Readonly<Record<string, Wording>> = {
  'commander.unknownOption': {
    found: /unknown option '([^']*)'/,
    say: ([written = '']) => {
      const flag = written.replace(/=[\s\S]*/, '');
      return { message: `there is no flag ${flag}`, field: flag };
    },
  },
  'commander.unknownCommand': {
    found: /unknown command '([^']*)'/,
    say: ([word = '']) => ({ message: `there is no command "${word}"`, field: word }),
  },
  'commander.missingArgument': {
    found: /argument '([^']*)'/,
    say: ([name = '']) => ({ message: `${name.toUpperCase()} is missing`, field: name.toUpperCase() }),
  },
  'commander.missingMandatoryOptionValue': {
    found: /option '([^']*)'/,
    say: ([flags = '']) => ({ message: `${longest(flags)} is missing`, field: longest(flags) }),
  },
  'commander.optionMissingArgument': {
    found: /option '([^']*)'/,
    say: ([flags = '']) => ({ message: `${longest(flags)} needs a value`, field: longest(flags) }),
  },
  'commander.givenTwice': {
    found: /option '([^']*)'/,
    say: ([flags = '']) => ({
      message: `${longest(flags)} can be given once`,
      field: longest(flags),
    }),
  },
  'commander.excessArguments': {
    found: /Expected (\d+) arguments? but got (\d+)/,
    say: ([most = '0', given = '']) => ({
      message: `too many words: ${given} where ${most === '0' ? 'none' : most} can stand`,
      field: 'arguments',
    }),
  },
  'commander.invalidArgument': {
    found:
      /(?:option '([^']*)' argument|command-argument value) '([\s\S]*)' is invalid(?: for argument '([^']*)')?\. (?:Allowed choices are )?([\s\S]*?)\.?$/,
    say: ([flags = '', given = '', argument = '', choices = '']) => {
      const field = flags === '' ? argument.toUpperCase() : longest(flags);
      return { message: `${field} cannot be "${given}": it is one of ${choices}`, field };
    },
  },
  'commander.conflictingOption': {
    found: /option '([^']*)' cannot be used with option '([^']*)'/,
    say: ([one = '', other = '']) => ({
      message: `${longest(one)} and ${longest(other)} exclude each other`,
      field: longest(one),
    }),
  },
};

/** The parser's error in our words: what is wrong, which word it is, and the command that helps. */
export function asUsageError(error: CommanderError, command: string): OperatorError {
  const help = `See what there is: ${['mailctl', command, '--help'].filter((word) => word !== '').join(' ')}`;
  if (error.code === 'commander.help') {
    const what = command === '' ? 'a command' : 'a verb';
    return new OperatorError('usage', `${what} is missing`, { hint: help, field: 'command' });
  }
  const suggestion = suggestionIn(error, command);
  const { message, field } = worded(error);
  return new OperatorError('usage', message, { hint: suggestion ?? help, ...(field && { field }) });
}

/** Near words of the parser's own finding; a near command is named whole, to be copied. */
function suggestionIn({ code, message }: CommanderError, command: string): string | undefined {
  const [, found] = /\(Did you mean ([\s\S]*)\?\)/.exec(message) ?? [];
  const words = found?.replace(/^one of /, '').split(', ') ?? [];
  if (words.length === 0) return undefined;
  const whole = (word: string) => ['mailctl', command, word].filter((part) => part !== '').join(' ');
  const near = code === 'commander.unknownCommand' ? words.map(whole) : words;
  return `Did you mean ${near.join(', or ')}?`;
}

function worded({ code, message }: CommanderError): { message: string; field?: string } {
  const wording = wordings[code];
  const found = wording?.found.exec(message);
  if (wording && found) return wording.say(found.slice(1).map((word = '') => word));
  return { message: message.replace(/^error: /, '').replace(/\n[\s\S]*/, '') };
}

/** `--dir` of `-C, --dir <dir>`. */
function longest(flags: string): string {
  return /--[\w-]+/.exec(flags)?.[0] ?? flags;
}
