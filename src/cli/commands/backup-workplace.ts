import { openWorkplace, type Workplace } from '../../operations/backup/workplace.ts';
import type { Context } from '../command.ts';

/** The folder of sets, with someone to tell of progress: a terminal, or nobody. */
export async function workplace({ runtime, stop, terminal, output, flags }: Context): Promise<Workplace> {
  const shows = terminal.stderr.isTerminal && !flags.quiet && !flags.json;
  const tell = (remark: string) => {
    if (shows) terminal.stderr.write(`\r\u001B[K${remark}\r`);
  };
  return openWorkplace(runtime, { stop, tell, warn: output.warn });
}
