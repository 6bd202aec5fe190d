import type { Readable } from 'node:stream';

import { begin, kept, type RunningProgram } from './running-program.ts';
import type { Argv } from './exec.ts';
import { type Begin, join, type JoinedPrograms, type Joining } from './joined-programs.ts';

/** Starts programs whose input and output are streamed, so that memory does not grow with what passes. */
export interface Programs {
  start(argv: Argv): RunningProgram;
  /** Starts two, the second of which reads what the first prints, and seals what that prints; all of it stays out of this process. */
  join(joining: Joining): JoinedPrograms;
}

/** Programs of this machine. One that is asked to end and has not after so many milliseconds, is killed. */
export function openPrograms(endsWithinMs: number): Programs {
  const beginning: Begin = (argv, stdio) => begin(argv, stdio, endsWithinMs);
  return {
    start: (argv) => {
      const { child, ...running } = beginning(argv, ['pipe', 'pipe', 'pipe']);
      return { ...running, output: kept(child.stdio[1] as Readable) };
    },
    join: (joining) => join(joining, beginning),
  };
}
