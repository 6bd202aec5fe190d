import type { Command } from 'commander';

import { readStackLogs, type ShownLine } from '../../operations/stack/logs.ts';
import { type Context, runs, type Session } from '../command.ts';

interface LogFlags {
  readonly follow?: true;
  readonly since: string;
  readonly level?: string;
  readonly message?: string;
}

/** `mailctl logs [SERVICE…]`. */
export function defineLogs(command: Command, session: Session): void {
  command
    .description('Print what the services say, merged by time, without secrets.')
    .argument('[service...]', 'only these services')
    .option('-f, --follow', 'go on with what they say from now on')
    .option('--since <duration>', 'from so long ago on', '1h')
    .option('--level <level>', 'only lines of this level and above: debug, info, warn, error')
    .option('--message <id>', 'only lines about this message')
    .action(runs(session, print));
}

async function print({ runtime, output, stop }: Context, names: string[], flags: LogFlags): Promise<void> {
  for await (const line of readStackLogs(runtime, { names, ...flags }, stop)) output.line(line, asText(line));
}

function asText({ time, level, service, msg }: ShownLine): string {
  return `${time.slice(0, 23)} ${service.padEnd(14)} ${(level ?? '').padEnd(5)} ${msg}`;
}
