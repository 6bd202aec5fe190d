import type { Command } from 'commander';

import { failures, OperatorError } from '../../domain/failure.ts';
import { type Context, runs, type Session } from '../command.ts';
import { defineAll } from '../program.ts';

/** `mailctl help [exit-codes|variables|COMMAND]`. */
export function defineHelp(command: Command, session: Session): void {
  command
    .argument('[topic...]', 'a command, exit-codes or variables')
    .action(
      runs(session, async (context, topic: string[]) => print(context, await text(command, session, topic))),
    );
}

function print({ terminal }: Context, text: string): void {
  terminal.stdout.write(`${text.replace(/\n+$/, '')}\n`);
}

async function text(self: Command, session: Session, topic: readonly string[]): Promise<string> {
  const program = self.parent ?? self;
  if (topic[0] === 'exit-codes') return exitCodes();
  if (topic[0] === 'variables') return variables();
  await defineAll(program, session);
  let command = program;
  for (const word of topic) {
    const next = command.commands.find((candidate) => candidate.name() === word);
    if (!next) throw unknownTopic(topic);
    command = next;
  }
  return command.helpInformation();
}

function exitCodes(): string {
  const rows = Object.entries(failures).map(
    ([code, { exit, means }]) => `${String(exit).padStart(3)}  ${code.padEnd(14)}  ${means}`,
  );
  return ['  0  done', ...rows].join('\n');
}

async function variables(): Promise<string> {
  const { allVariables, environment } = await import('../../config/environment.ts');
  return allVariables.map((name) => `${name}\n    ${environment[name].means}`).join('\n');
}

function unknownTopic(topic: readonly string[]): OperatorError {
  return new OperatorError('usage', `there is no command "${topic.join(' ')}"`, {
    hint: 'See what there is: mailctl --help, mailctl help exit-codes, mailctl help variables',
    field: 'topic',
  });
}
