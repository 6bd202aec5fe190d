import type { Finished } from '../../adapters/exec.ts';
import type { Runtime } from '../../runtime.ts';

/** Runs a command of ours in a container of its own inside the stack's networks, and removes it afterwards. */
export async function runInProbe(
  world: Runtime,
  argv: readonly string[],
  stop: AbortSignal,
): Promise<Finished> {
  const compose = await world.compose();
  const run = ['--progress', 'quiet', 'run', '--rm', '-T', '--no-deps', 'probe', ...argv];
  return compose.run({ argv: run, profiles: ['tools'], stop });
}
