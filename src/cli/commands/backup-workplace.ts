import { resolve } from 'node:path';

import { failures } from '../../domain/failure.ts';
import { readTarget } from '../../operations/backup/target.ts';
import { openWorkplace, type Workplace } from '../../operations/backup/workplace.ts';
import { openRuntime } from '../../runtime.ts';
import type { Context, Session } from '../command.ts';

/** The folder of sets, with someone to tell of progress: a terminal, or nobody. */
export async function workplace(context: Context): Promise<Workplace> {
  return openWorkplace(context.runtime, hearing(context));
}

/** The same with the databases of another host, where a file describes them; nothing of it stays open. */
export async function workplaceAt(context: Context, file: string | undefined): Promise<Workplace> {
  if (file === undefined) return workplace(context);
  const { runtime, terminal } = context;
  const path = resolve(terminal.cwd ?? '/', file);
  const { variables, target } = await readTarget(runtime, { file, path });
  const environment = { ...terminal.environment, ...variables };
  return openWorkplace(
    openRuntime({ dir: runtime.dir, environment, uid: terminal.uid }),
    hearing(context),
    target,
  );
}

/** What is warned of at such a place was not done: the command ends as partly done. */
export function heedingWarnings(session: Session, place: Workplace): Workplace {
  const warn = (line: string) => {
    place.warn(line);
    session.exit = failures['partly-done'].exit;
  };
  return { ...place, warn };
}

function hearing({ stop, terminal, output, flags }: Context): Pick<Workplace, 'stop' | 'tell' | 'warn'> {
  const shows = terminal.stderr.isTerminal && !flags.quiet && !flags.json;
  const tell = (remark: string) => {
    if (shows) terminal.stderr.write(`\r\u001B[K${remark}\r`);
  };
  return { stop, tell, warn: output.warn };
}
