import { Argument, type Command } from 'commander';

import { looks, type Session } from '../command.ts';
import { completionsOf } from '../completions.ts';
import { scripts, type Shell, shells } from '../completion-scripts.ts';

/** `mailctl completion SHELL`. */
export function defineCompletion(command: Command, session: Session): void {
  command
    .addArgument(new Argument('<shell>', 'the shell that will read the script').choices(shells))
    .addHelpText('after', '\nFor example: mailctl completion bash > /etc/bash_completion.d/mailctl')
    .action(
      looks(
        session,
        async (_, shell: Shell) => ({ shell, script: scripts[shell] }),
        ({ script }) => script,
      ),
    );
}

/** `mailctl complete -- WORDS`, which the scripts call; one candidate a line, with its meaning behind a tab. */
export function defineComplete(command: Command, session: Session): void {
  command.argument('[words...]', 'the words of the command line so far').action(
    looks(
      session,
      async (_, words: string[]) => ({
        completions: completionsOf(await session.wholeProgram(), words),
      }),
      ({ completions }) => completions.map(({ value, description }) => `${value}\t${description}`).join('\n'),
    ),
  );
}
