import type { Command } from 'commander';

import { showHistory, type ShownHistory, type WrittenPast } from '../../operations/history/show.ts';
import { looks, type Session } from '../command.ts';
import type { Style } from '../output.ts';

/** `mailctl history`. */
export function defineHistory(command: Command, session: Session): void {
  command
    .option('--since <duration>', 'only what began within this time, such as 7d')
    .option('--command <words>', 'only acts that begin with these words, such as "keys rotate"')
    .action(looks(session, ({ runtime }, flags: WrittenPast) => showHistory(runtime, flags), asText));
}

function asText({ acts }: ShownHistory, style: Style): string {
  if (acts.length === 0) return 'nothing was done in this folder';
  return acts
    .map(({ at, who, command, result }) => {
      const end = result === 'done' ? result : style.red(result);
      return `${at.slice(0, 19)}Z  ${who.padEnd(10)}  ${end.padEnd(8)}  ${command}`;
    })
    .join('\n');
}
