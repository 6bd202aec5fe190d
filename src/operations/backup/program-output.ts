import { text } from 'node:stream/consumers';

import type { Argv } from '../../adapters/exec.ts';
import type { ProgramEnd, RunningProgram } from '../../adapters/running-program.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';

/** What a short program printed; undefined when it cannot be started or fails. */
export async function outputOf(world: Pick<Runtime, 'programs'>, argv: Argv): Promise<string | undefined> {
  const program = (await world.programs()).start(argv);
  program.input.end();
  const [printed, end] = await Promise.all([text(program.output), program.ended]).catch(() => []);
  return end?.exit === 0 ? printed : undefined;
}

/** Throws when a program did not end well; its last words say why. */
export async function requireSuccess(program: Pick<RunningProgram, 'name' | 'ended'>): Promise<void> {
  const end = await program.ended;
  if (end.exit !== 0) throw programFailed(program.name, end);
}

/** The failure of a program, in its own last words. */
function programFailed(name: string, { exit, signal, complaint }: ProgramEnd): OperatorError {
  const how = signal === null ? `ended with ${exit}` : `was ended by ${signal}`;
  const words = complaint.split('\n').filter(Boolean).slice(-3).join('; ');
  return new OperatorError('unreachable', `${name} ${how}${words === '' ? '' : `: ${words}`}`, {
    hint: 'Nothing was kept of this run, and earlier sets are as they were: mend the cause and run it again',
  });
}

/** True for a failure that says only that a program was ended, by us or with its reader; a shell tells it as 128 + signal. */
export function wasEnded(error: unknown): boolean {
  return error instanceof Error && /SIGTERM|SIGPIPE|ended with 14[13]\b/.test(error.message);
}
