import type { ComposeRun } from '../../adapters/compose.ts';
import type { Runtime } from '../../runtime.ts';
import type { Step } from '../plan.ts';
import { awaitHealth, type Tell } from './await-health.ts';
import { drawUp } from './blueprint.ts';
import { fromStdin, independentModel, lookAtContainers } from './current.ts';
import { startFailure } from './start-failure.ts';

/** One run of `up`: how it waits, and what it knows of the containers. */
export interface Launch {
  readonly profiles: readonly string[];
  readonly withinMs: number;
  readonly tell: Tell;
  /** Services whose container this run made from compose.yaml as it is now: the engine starts them without Compose. */
  readonly made: Set<string>;
  /** When each container began that this run has seen well. */
  readonly proven: Map<string, number>;
}

/** Begins a run that has made and seen nothing. */
export function beginLaunch(given: Pick<Launch, 'profiles' | 'withinMs' | 'tell'>): Launch {
  return { ...given, made: new Set(), proven: new Map() };
}

/** Makes the containers that are not there, with their networks and volumes, all in one run of Compose; starts none. */
export function createContainers(names: readonly string[], launch: Launch): Step {
  return {
    do: 'create',
    what: `create the containers of ${names.join(', ')}`,
    run: async (world) => {
      const input = await independentModel(world, await drawUp(world));
      const argv = [...fromStdin, 'up', '--no-start', ...flags, ...names];
      await run(world, names, { argv, input, profiles: launch.profiles });
      for (const name of names) launch.made.add(name);
    },
  };
}

/** Starts services together, and waits until each is well. */
export function startServices(names: readonly string[], launch: Launch): Step {
  return {
    do: 'start',
    what: `start ${names.join(', ')} and wait until ${names.length === 1 ? 'it is' : 'they are'} well`,
    run: async (world) => {
      await startAll(world, names, launch);
      await awaitHealth(world, { ...launch, names });
    },
  };
}

/** Has Compose bring services to what compose.yaml says now, and waits for none of them. */
export async function composeUp(world: Runtime, names: readonly string[], launch: Launch): Promise<void> {
  const argv = ['up', '--detach', ...flags, ...names];
  await run(world, names, { argv, profiles: launch.profiles });
}

async function startAll(world: Runtime, names: readonly string[], launch: Launch): Promise<void> {
  const made = names.filter((name) => launch.made.has(name));
  const others = names.filter((name) => !launch.made.has(name));
  await Promise.all([
    ...(made.length > 0 ? [startMade(world, made)] : []),
    ...(others.length > 0 ? [composeUp(world, others, launch)] : []),
  ]);
}

async function startMade(world: Runtime, names: readonly string[]): Promise<void> {
  const containers = await lookAtContainers(world);
  const docker = await world.docker();
  await Promise.all(
    names.map(async (name) => {
      const said = await docker.start(containers.get(name)?.id ?? name);
      if (said !== undefined) throw startFailure([name], said);
    }),
  );
}

const flags = ['--no-deps', '--no-build', '--quiet-pull'];

async function run(world: Runtime, names: readonly string[], asked: ComposeRun): Promise<void> {
  const { exit, stderr } = await (await world.compose()).run(asked);
  if (exit !== 0) throw startFailure(names, stderr);
}
