import { join } from 'node:path';

import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import { rescueBefore } from '../postal/rescue.ts';
import type { Plan, Step } from '../plan.ts';
import { awaitHealth } from './await-health.ts';
import { lookAtContainers } from './current.ts';
import { allServices } from './services.ts';
import { type Stage, stages } from './stages.ts';

/** What `down` and `restart` report: how things are afterwards, in words. */
export interface Stopped {
  readonly done: string;
}

/** How far `down` goes. */
export interface WantedDown {
  /** The data too. */
  readonly volumes: boolean;
  /** The project's name, typed by whoever means it. */
  readonly confirmed: string | undefined;
}

const order: readonly Stage[] = stages.toReversed();

/**
 * Plans to stop the stack, the relay first and the databases last, each stage only when the one before has finished what was in
 * flight. Data stays, unless `volumes` is asked for and the project's name is given; throws `refused` otherwise.
 */
export async function planDown(world: Runtime, wanted: WantedDown): Promise<Plan<Stopped>> {
  const { STACK_NAME: name } = await world.config('operator');
  if (wanted.volumes && wanted.confirmed !== name)
    throw new OperatorError(
      'refused',
      `this destroys every message, key and database of ${name}; nothing was changed`,
      {
        hint: `If that is meant: mailctl down --volumes --confirm ${name}`,
        field: '--confirm',
      },
    );
  if ((await world.files.modeOf(join(world.dir, 'compose.yaml'))) === undefined)
    return nothing(`${name} was never up`);
  const containers = await lookAtContainers(world);
  const running = [...containers.values()]
    .filter(({ state }) => state !== 'exited')
    .map(({ service }) => service);
  const stops = order.flatMap((stage) => stopStage(stage, running));
  const volumes = (await (await world.docker()).volumes()).size > 0;
  if (containers.size === 0 && !(wanted.volumes && volumes)) return nothing(`${name} is down`);
  return {
    title: wanted.volumes ? `Take ${name} down and destroy its data` : `Take ${name} down; its data stays`,
    steps: [...stops, remove(wanted.volumes)],
    result: () => ({
      done: `${name} is down${wanted.volumes ? ', and its data is gone' : '; its data stays'}`,
    }),
  };
}

function nothing(title: string): Plan<Stopped> {
  return { title, steps: [], result: () => ({ done: title }) };
}

function stopStage(stage: Stage, running: readonly string[]): readonly Step[] {
  const names = allServices
    .filter((one) => one.stage === stage && running.includes(one.name))
    .map(({ name }) => name);
  if (names.length === 0) return [];
  return [
    {
      do: 'stop',
      what: `stop ${names.join(', ')}, once what is in flight is finished`,
      run: async (world) => {
        await (await world.compose()).must({ argv: ['stop', ...names] });
      },
    },
  ];
}

function remove(volumes: boolean): Step {
  return {
    do: 'remove',
    what: volumes ? 'remove containers, networks and volumes' : 'remove containers and networks',
    run: async (world) => {
      const compose = await world.compose();
      const profiles = ['tools', 'sink'];
      await compose.must({ argv: ['down', '--remove-orphans'], profiles });
      // Compose removes only volumes that a service of today's file mounts.
      if (volumes) await (await world.docker()).removeVolumes();
    },
  };
}

/** Plans to stop services and start them again, in the order of starting. All that run when none is named. */
export async function planRestart(world: Runtime, names: readonly string[]): Promise<Plan<Stopped>> {
  const containers = await lookAtContainers(world);
  const unknown = names.find((name) => !containers.has(name));
  if (unknown !== undefined)
    throw new OperatorError('usage', `${unknown} is no service that was started`, {
      hint: `Services: ${[...containers.keys()].join(', ')}`,
      field: 'SERVICE',
    });
  const meant = allServices.filter(
    ({ name, oneShot }) => !oneShot && containers.has(name) && (names.length === 0 || names.includes(name)),
  );
  return {
    title: meant.length === 0 ? 'Nothing runs' : `Restart ${meant.map(({ name }) => name).join(', ')}`,
    steps: meant.flatMap(({ name }) => [...rescueBefore([name], true), restartOne(name)]),
    result: () => ({ done: `restarted: ${meant.map(({ name }) => name).join(', ') || 'nothing'}` }),
  };
}

function restartOne(name: string): Step {
  return {
    do: 'restart',
    what: `restart ${name} and wait until it is well`,
    run: async (world) => {
      const { UP_TIMEOUT } = await world.config('operator');
      await (await world.compose()).must({ argv: ['restart', '--no-deps', name] });
      await awaitHealth(world, { names: [name], withinMs: UP_TIMEOUT, tell: () => undefined });
    },
  };
}
