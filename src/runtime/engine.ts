import { join } from 'node:path';

import { type Addresses, openAddresses } from '../adapters/addresses.ts';
import type { Compose } from '../adapters/compose.ts';
import type { WholeFiles } from '../adapters/disk.ts';
import type { Docker } from '../adapters/docker.ts';
import type { ImageToBuild } from '../adapters/image-builder.ts';
import type { PostalRunner } from '../adapters/postal-runner.ts';
import type { ConfigOf } from '../config/environment.ts';
import type { Folder } from './folder.ts';
import { once } from './once.ts';

/** The containers of this folder, and where they are reached. */
export interface Engine {
  /** The engine of this host, for the containers of this folder. */
  docker(): Promise<Docker>;
  /** The files inside a running container, as its own user sees them. */
  filesIn(container: string): Promise<WholeFiles>;
  compose(): Promise<Compose>;
  buildImage(image: ImageToBuild): Promise<void>;
  readonly addresses: Addresses;
  /** Postal's own program, for what it has no other door for. */
  postalRunner(): Promise<PostalRunner>;
}

/** Talks to no engine before it is asked to. */
export function openEngine(folder: Folder): Engine {
  const docker = once(async () => connectDocker(await folder.config('operator')));
  return {
    docker,
    filesIn: async (container) => reachInto(await docker(), container, await folder.config('operator')),
    compose: once(async () => driveCompose(folder.dir, await folder.config('operator'))),
    buildImage: async (image) => (await import('../adapters/image-builder.ts')).buildImage(image),
    addresses: openAddresses({ docker, onHost: once(() => isHost(folder)) }),
    postalRunner: once(async () => connectRunner(await folder.config('operator'), folder.dir)),
  };
}

/** The host of a stack has a rendered compose.yaml, and says nothing of where PostgreSQL is: it is in a container. */
async function isHost({ dir, files, sources }: Folder): Promise<boolean> {
  const { resolve } = await import('../config/resolve.ts');
  const found = resolve('POSTGRES_HOST', undefined, await sources());
  const isNamed = 'text' in found && found.text !== undefined;
  return !isNamed && (await files.modeOf(join(dir, 'compose.yaml'))) !== undefined;
}

async function connectDocker(config: ConfigOf<'operator'>): Promise<Docker> {
  const { STACK_NAME, DOCKER_TIMEOUT: answerMs, COMPOSE_TIMEOUT: pullMs } = config;
  return (await import('../adapters/docker.ts')).openDocker(STACK_NAME, { answerMs, pullMs });
}

async function reachInto(
  docker: Docker,
  container: string,
  { DOCKER_TIMEOUT }: ConfigOf<'operator'>,
): Promise<WholeFiles> {
  return (await import('../adapters/container-files.ts')).filesInContainer(docker, container, DOCKER_TIMEOUT);
}

async function driveCompose(folder: string, config: ConfigOf<'operator'>): Promise<Compose> {
  const { STACK_NAME: name, STACK_PROFILES: profiles, COMPOSE_TIMEOUT: timeoutMs } = config;
  return (await import('../adapters/compose.ts')).openCompose({ folder, name, profiles, timeoutMs });
}

async function connectRunner(config: ConfigOf<'operator'>, folder: string): Promise<PostalRunner> {
  const { runnerAddress } = await import('../config/runner-address.ts');
  return (await import('../adapters/postal-runner.ts')).postalRunner({ ...runnerAddress(config), folder });
}
