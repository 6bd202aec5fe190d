import type { Container } from '../../adapters/container.ts';
import type { Executed } from '../../adapters/docker.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';

/**
 * Runs the health check of a container now: the engine's next look may be a whole interval away, and what its last one said may be true
 * no more. Undefined for a container without a check, one that does not run, and one that went away meanwhile.
 */
export async function runCheck(world: Runtime, found: Container): Promise<Executed | undefined> {
  const { id, state, healthTest: argv } = found;
  if (state !== 'running' || argv.length === 0) return undefined;
  const { STACK_HEALTH_TIMEOUT } = await world.config('operator');
  const stop = AbortSignal.timeout(STACK_HEALTH_TIMEOUT);
  return (await world.docker()).exec(id, { argv, stop }).catch((cause: unknown) => {
    if (cause instanceof OperatorError) throw cause;
    return undefined;
  });
}

/** The containers, and those that the engine has not looked at since they started with what their own check says. */
export async function askNewcomers(
  world: Runtime,
  containers: ReadonlyMap<string, Container>,
): Promise<ReadonlyMap<string, Container>> {
  const asked = [...containers].map(async ([name, found]) => {
    const isWell = found.health === 'starting' && (await runCheck(world, found))?.exit === 0;
    return [name, isWell ? { ...found, health: 'healthy' as const } : found] as const;
  });
  return new Map(await Promise.all(asked));
}
