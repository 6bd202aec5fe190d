import type { Container } from '../../adapters/container.ts';
import type { FoundImage } from '../../adapters/docker-images.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import type { Drawn } from '../stack/blueprint.ts';
import { digestUnder, nameOf, ownVariable, repositoryOf } from '../stack/images.ts';
import { allServices, type Service } from '../stack/services.ts';

/** One image of the stack: what runs, and what its name means today. */
export interface ImageChange {
  readonly variable: string;
  /** Its name in the configuration. */
  readonly name: string;
  readonly services: readonly string[];
  /** The reference that what runs can be started from again: a digest of its registry, else the engine's id. */
  readonly from: string;
  readonly fromId: string;
  readonly to: string;
}

/**
 * What every image that runs was started from, and what it would be now: what its registry says, and where that is silent (or there is
 * none) what this host has under the name. Throws `unreachable` for an image that is in neither place.
 */
export async function compareImages(
  world: Runtime,
  drawn: Drawn,
  containers: ReadonlyMap<string, Container>,
): Promise<readonly ImageChange[]> {
  const docker = await world.docker();
  const groups = [...byVariable(containers)].map(async ([variable, services]): Promise<ImageChange> => {
    const running = containers.get(services[0] ?? '') as Container;
    const name = nameOf(variable, drawn);
    const from = referenceTo(running, await docker.image(running.imageId), variable);
    return {
      variable,
      name,
      services,
      from,
      fromId: running.imageId,
      to: await meaningOf(world, drawn, name),
    };
  });
  return Promise.all(groups);
}

/** True where an image would be another one than runs. */
export async function isOther(world: Runtime, { from, fromId, to }: ImageChange): Promise<boolean> {
  if (from === to) return false;
  return (await (await world.docker()).image(to))?.id !== fromId;
}

function byVariable(containers: ReadonlyMap<string, Container>): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const service of allServices.filter(({ name }) => containers.has(name))) {
    const variable = variableOf(service);
    found.set(variable, [...(found.get(variable) ?? []), service.name]);
  }
  return found;
}

function variableOf({ image }: Service): string {
  return image ?? ownVariable;
}

function referenceTo({ image, imageId }: Container, found: FoundImage | undefined, variable: string): string {
  const isExact = image.includes('@sha256:') || image.startsWith('sha256:');
  // The tag of an image that we built names its content.
  if (isExact || (variable === ownVariable && /-own:[0-9a-f]{16}$/.test(image))) return image;
  return digestUnder(image, found?.digests ?? []) ?? imageId;
}

async function meaningOf(world: Runtime, drawn: Drawn, name: string): Promise<string> {
  if (name.includes('@') || (name === drawn.ownName && drawn.isBuilt)) return name;
  const docker = await world.docker();
  const digest = await docker.digestElsewhere(name);
  if (digest !== undefined) return `${repositoryOf(name)}@${digest}`;
  const here = await docker.image(name);
  if (here) return digestUnder(name, here.digests) ?? here.id;
  throw new OperatorError(
    'unreachable',
    `the image ${name} is not on this host, and no registry tells of it`,
    {
      hint: 'Check its name and the way to its registry; on a host without one: docker load -i FILE, then mailctl upgrade',
    },
  );
}
