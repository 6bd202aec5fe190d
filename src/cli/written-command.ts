import type { Command, Option } from 'commander';

import { commandName } from './command-name.ts';

/**
 * The command line as the history keeps it: words, operands and the command's own flags. Of a URL only scheme and host
 * remain, since user names, paths and queries of webhooks are often secrets.
 */
export function writtenCommand(command: Command): string {
  const flags = command.options.flatMap((option) => writtenFlag(command, option));
  return [commandName(command), ...[...command.args, ...flags].map(shown)].join(' ');
}

function writtenFlag(command: Command, option: Option): readonly string[] {
  const name = option.attributeName();
  if (command.getOptionValueSource(name) !== 'cli') return [];
  const flag = option.long ?? option.short ?? '';
  const value: unknown = command.getOptionValue(name);
  if (typeof value === 'boolean') return [flag];
  return [value].flat().flatMap((word) => [flag, String(word)]);
}

function shown(word: string): string {
  if (URL.canParse(word) && word.includes('://')) return `${new URL(word).origin}/…`;
  return /^[\w@.:/+=,%-]+$/.test(word) ? word : JSON.stringify(word);
}
