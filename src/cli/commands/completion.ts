import completions from '@bomb.sh/tab/commander';
import { Argument, Command } from 'commander';

import { runs, type Session } from '../command.ts';
import { declareGlobalFlags } from '../flags.ts';
import { nouns } from '../nouns.ts';

const shells = ['bash', 'zsh', 'fish'] as const;

/** `mailctl completion SHELL`. */
export function defineCompletion(command: Command, session: Session): void {
  command
    .addArgument(new Argument('<shell>', 'the shell that will read the script').choices(shells))
    .addHelpText('after', '\nFor example: mailctl completion bash > /etc/bash_completion.d/mailctl')
    .action(
      runs(session, async (_, shell: string) => {
        completions(await wholeTree(session)).setup('mailctl', 'mailctl', shell);
      }),
    );
}

/** `mailctl complete -- WORDS`, which the scripts call. */
export function defineComplete(command: Command, session: Session): void {
  command.argument('[words...]', 'the words of the command line so far').action(
    runs(session, async (_, words: string[]) => {
      completions(await wholeTree(session)).parse(words);
    }),
  );
}

async function wholeTree(session: Session): Promise<Command> {
  const program = new Command('mailctl');
  declareGlobalFlags(program);
  for (const noun of nouns.filter(({ name }) => !['complete', 'completion'].includes(name))) {
    const command = program.command(noun.name).description(noun.summary);
    (await noun.load())(command, session);
  }
  return program;
}
