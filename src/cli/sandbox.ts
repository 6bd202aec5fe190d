import type { LogLevel } from '../adapters/log.ts';
import type { Sandbox } from '../sandbox/start.ts';
import type { Context } from './command.ts';

/** Starts a sandbox for a command; its services log on stderr, warnings only unless `--verbose`. */
export async function openSandbox({ runtime, flags, terminal }: Context): Promise<Sandbox> {
  const { startSandbox } = await import('../sandbox/start.ts');
  const level: LogLevel = flags.verbose ? 'info' : 'warn';
  const openLog = await runtime.logs();
  const log = (service: string) =>
    openLog(service, level, flags.quiet ? { write: () => undefined } : terminal.stderr);
  return startSandbox({}, { clock: runtime.clock, random: runtime.random, log });
}
