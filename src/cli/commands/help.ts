import type { Command } from 'commander';

import { failures, OperatorError } from '../../domain/failure.ts';
import { looks, type Session } from '../command.ts';

/** What `help` prints: a text, and what it was made from where that is data. */
interface Help {
  readonly topic: string;
  readonly text: string;
  readonly rows?: readonly object[];
}

/** `mailctl help [exit-codes|variables|COMMAND]`. */
export function defineHelp(command: Command, session: Session): void {
  command.argument('[topic...]', 'a command, exit-codes or variables').action(
    looks(
      session,
      async (_, topic: string[]) => explain(session, topic),
      ({ text }) => text,
    ),
  );
}

async function explain(session: Session, topic: readonly string[]): Promise<Help> {
  if (topic[0] === 'exit-codes') return exitCodes();
  if (topic[0] === 'variables') return variables();
  let command = await session.wholeProgram();
  for (const word of topic) {
    const next = command.commands.find((candidate) => candidate.name() === word);
    if (!next) throw unknownTopic(topic);
    command = next;
  }
  return { topic: topic.join(' '), text: command.helpInformation() };
}

function exitCodes(): Help {
  const rows = [
    { exit: 0, code: 'done', means: 'done' },
    ...Object.entries(failures).map(([code, { exit, means }]) => ({ exit, code, means })),
  ];
  const text = rows.map(
    ({ exit, code, means }) => `${String(exit).padStart(3)}  ${code.padEnd(14)}  ${means}`,
  );
  return { topic: 'exit-codes', text: text.join('\n'), rows };
}

async function variables(): Promise<Help> {
  const { allVariables, environment } = await import('../../config/environment.ts');
  const rows = allVariables.map((name) => ({ name, means: environment[name].means }));
  const text = rows.map(({ name, means }) => `${name}\n    ${means}`).join('\n');
  return { topic: 'variables', text, rows };
}

function unknownTopic(topic: readonly string[]): OperatorError {
  return new OperatorError('usage', `there is no command "${topic.join(' ')}"`, {
    hint: 'See what there is: mailctl --help, mailctl help exit-codes, mailctl help variables',
    field: 'TOPIC',
  });
}
