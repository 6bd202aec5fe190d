import type { Readable } from 'node:stream';

import { begin, kept, type RunningProgram } from './running-program.ts';
import type { Argv } from './exec.ts';
import { type HearBeginning, join, type JoinedPrograms } from './joined-programs.ts';

/** Starts programs whose input and output are streamed, so that memory does not grow with what passes. */
export interface Programs {
  start(argv: Argv): RunningProgram;
  /** Starts two, the second of which reads what the first prints; what passes between them stays out of this process. */
  join(first: Argv, second: Argv, hear?: HearBeginning): JoinedPrograms;
}

export const systemPrograms: Programs = { start, join };

function start(argv: Argv): RunningProgram {
  const { child, ...running } = begin(argv, ['pipe', 'pipe', 'pipe']);
  return { ...running, output: kept(child.stdio[1] as Readable) };
}
