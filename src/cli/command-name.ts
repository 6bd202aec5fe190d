import type { Command } from 'commander';

/** The words of a command behind `mailctl`: `config show`; empty for the program itself. */
export function commandName(command: Command): string {
  return command.parent ? `${commandName(command.parent)} ${command.name()}`.trim() : '';
}
