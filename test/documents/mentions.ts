import type { CommandEntry } from './command-tree.ts';

/** Every line of code in a document: fenced blocks line by line, and spans. */
function codeIn(document: string): readonly string[] {
  const blocks = [...document.matchAll(/^```\w*\n([\s\S]*?)^```/gm)].flatMap(([, block = '']) =>
    block.split('\n'),
  );
  const prose = document.replaceAll(/^```\w*\n[\s\S]*?^```/gm, '');
  return [...blocks, ...[...prose.matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span)];
}

/** The command lines of mailctl in a document, as words behind the program's name. */
export function commandLinesIn(document: string): readonly (readonly string[])[] {
  return codeIn(document).flatMap((line) =>
    [
      ...line
        .replaceAll(String.raw`\|`, '|')
        .matchAll(/(?:^|\s|[`('"])(?:\.\/bin\/)?mailctl(?:\.js)?((?:\s+[^\s#;&]+)+)/g),
    ].map(([, words = '']) => words.trim().split(/\s+/)),
  );
}

/** The variables that a document names. */
export function variablesIn(document: string): readonly string[] {
  return codeIn(document).flatMap((line) => line.match(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g) ?? []);
}

/** What a command line says that the program does not understand, or undefined. Operands are not judged. */
export function misunderstood(program: CommandEntry, words: readonly string[]): string | undefined {
  let command = program;
  for (let at = 0; at < words.length; at += 1) {
    const word = plain(words[at] ?? '');
    if (word.startsWith('-')) {
      const flag = flagOf(word, command, program);
      if (!flag) return `${command.name || 'mailctl'} has no flag ${word}`;
      if (flag.takesValue && !word.includes('=')) at += 1;
      continue;
    }
    const verb = command.verbs.find(({ name }) => name.split(' ').at(-1) === word);
    if (verb) command = verb;
    else if (command.verbs.length > 0) return endsHere(command, word);
  }
  return undefined;
}

/** A noun may be named without its verb; what is not a verb of it is a mistake, unless it is a placeholder. */
function endsHere(command: CommandEntry, word: string): string | undefined {
  if (/^(…|\.\.\.|<.*|\[.*|[A-Z]+|)$/.test(word)) return undefined;
  return `${command.name || 'mailctl'} has no verb ${word}`;
}

function plain(word: string): string {
  return word.replace(/^\[/, '').replace(/[\]),.:'"`]+$/, '');
}

const everywhere = ['-h', '--help', '-V', '--version'];

function flagOf(word: string, command: CommandEntry, program: CommandEntry) {
  const name = word.split('=')[0] ?? word;
  const known = [...command.flags, ...program.flags].find(({ names }) => names.includes(name));
  return known ?? (everywhere.includes(name) ? { takesValue: false } : undefined);
}
