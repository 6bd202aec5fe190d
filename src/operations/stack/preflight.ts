import type { ConfigOf } from '../../config/environment.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import { certifiedNames, type PlatformNames } from '../tls/names.ts';
import { offersTls } from './fixed.ts';

/** Something that keeps the stack from starting, or that should be known before. */
export interface Obstacle {
  readonly id: string;
  readonly what: string;
  readonly remedy: string;
  /** It would start all the same. */
  readonly warning?: true;
}

interface Scene {
  readonly world: Runtime;
  readonly config: ConfigOf<'operator'>;
  readonly names: PlatformNames;
  /** Services that run already: their ports are taken by themselves. */
  readonly running: ReadonlySet<string>;
}

const oldestEngine = [20, 10] as const;
const oldestCompose = [2, 20] as const;

/** Every obstacle at once, so that one run names them all. Throws `unreachable` where there is no engine or no Compose. */
export async function findObstacles(scene: Scene): Promise<readonly Obstacle[]> {
  const found = await Promise.all(
    [engineAge, composeAge, ports, disk, memory, clock, names].map((check) => check(scene)),
  );
  return found.flat();
}

/** Refuses when something would keep the stack from starting; nothing was changed then. */
export function refuseObstacles(obstacles: readonly Obstacle[]): void {
  const [first, ...more] = obstacles.filter(({ warning }) => !warning);
  if (!first) return;
  const others = more.map(({ what, remedy }) => `\n  also: ${what} (${remedy})`).join('');
  throw new OperatorError(
    first.id === 'engine' || first.id === 'compose' ? 'unreachable' : 'refused',
    `${first.what}; nothing was changed${others}`,
    {
      hint: first.remedy,
      data: { obstacles },
    },
  );
}

async function engineAge({ world }: Scene): Promise<readonly Obstacle[]> {
  const { version } = await (await world.docker()).engine();
  if (isAtLeast(version, oldestEngine)) return [];
  return [
    {
      id: 'engine',
      what: `the Docker engine is ${version}, and ${oldestEngine.join('.')} is the oldest that works`,
      remedy: 'Upgrade it: https://docs.docker.com/engine/install/',
    },
  ];
}

async function composeAge({ world }: Scene): Promise<readonly Obstacle[]> {
  const version = await (await world.compose()).version();
  if (isAtLeast(version, oldestCompose)) return [];
  return [
    {
      id: 'compose',
      what: `Docker Compose is ${version}, and ${oldestCompose.join('.')} is the oldest that works`,
      remedy: 'Upgrade the plug-in: https://docs.docker.com/compose/install/linux/',
    },
  ];
}

/** True for a version such as `20.10.24+dfsg1` that is not older than major and minor; what is no version passes. */
export function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [, found = '', part = ''] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  if (found === '') return true;
  return Number(found) > major || (Number(found) === major && Number(part) >= minor);
}

async function ports({ world, config, running }: Scene): Promise<readonly Obstacle[]> {
  const wanted = publishedPorts(config).filter(({ service }) => !running.has(service));
  const free = await Promise.all(
    wanted.map(({ port }) => world.host.portIsFree(config.PUBLISH_ADDRESS, port)),
  );
  return wanted
    .filter((_, index) => !free[index])
    .map(({ name, port, service }) => ({
      id: 'port',
      what: `port ${port} is taken by another program, and ${service} wants it`,
      remedy: `See who has it: sudo ss -ltnp 'sport = :${port}'; stop that, or choose another port: ${name}`,
    }));
}

function publishedPorts(config: ConfigOf<'operator'>) {
  const tls = offersTls(config);
  return [
    { name: 'PUBLISH_SMTP', port: config.PUBLISH_SMTP, service: 'postal-smtp' },
    { name: 'PUBLISH_HTTP', port: config.PUBLISH_HTTP, service: 'nginx' },
    { name: 'PUBLISH_HTTPS', port: config.PUBLISH_HTTPS, service: 'nginx' },
    { name: 'PUBLISH_SUBMISSION', port: config.PUBLISH_SUBMISSION, service: 'relay' },
    ...(tls ? [{ name: 'PUBLISH_SUBMISSIONS', port: config.PUBLISH_SUBMISSIONS, service: 'relay' }] : []),
  ];
}

const gigabyte = 1024 ** 3;

async function disk({ world, config }: Scene): Promise<readonly Obstacle[]> {
  const { rootFolder } = await (await world.docker()).engine();
  const rows = await Promise.all(
    [rootFolder, world.dir].map(async (folder) => ({ folder, free: await world.host.freeBytes(folder) })),
  );
  return rows
    .filter(
      ({ free }, index) => free !== undefined && free < (index === 0 ? config.UP_LEAST_DISK : 1024 ** 2),
    )
    .map(({ folder, free = 0 }) => ({
      id: 'disk',
      what: `only ${(free / gigabyte).toFixed(1)} GB are free below ${folder}`,
      remedy: 'Free some space (docker system df shows what images take), or ask for less: UP_LEAST_DISK',
    }));
}

async function memory({ world, config }: Scene): Promise<readonly Obstacle[]> {
  const { memoryBytes } = await (await world.docker()).engine();
  if (memoryBytes >= config.UP_LEAST_MEMORY) return [];
  return [
    {
      id: 'memory',
      what: `the host has ${(memoryBytes / gigabyte).toFixed(1)} GB of memory, and ${(config.UP_LEAST_MEMORY / gigabyte).toFixed(1)} are wanted`,
      remedy: 'Take a larger host, or lower the limits of the services and UP_LEAST_MEMORY',
    },
  ];
}

async function clock({ world, config }: Scene): Promise<readonly Obstacle[]> {
  const { now } = await (await world.docker()).engine();
  const apart = Math.abs(now.getTime() - world.clock.now().getTime());
  if (apart <= config.UP_MOST_CLOCK_SKEW) return [];
  return [
    {
      id: 'clock',
      what: `the engine's clock is ${Math.round(apart / 1000)} s away from ours`,
      remedy: 'Let both hosts take their time from NTP, or allow it: UP_MOST_CLOCK_SKEW',
    },
  ];
}

async function names(scene: Scene): Promise<readonly Obstacle[]> {
  const wanted = certifiedNames(scene.names);
  const found = await Promise.all(wanted.map((name) => scene.world.host.addressesOf(name)));
  const absent = wanted.filter((_, index) => found[index]?.length === 0);
  if (absent.length === 0) return [];
  return [
    {
      id: 'dns',
      what: `no address is known for ${absent.join(', ')}`,
      remedy: 'Create the records: mailctl domains records',
      warning: true,
    },
  ];
}
