import { readFile } from 'node:fs/promises';

import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import type { Step } from '../plan.ts';
import { type Drawn, drawUp } from './blueprint.ts';
import { ignoreAllBut } from './image.ts';
import { readLockFile, readPinned, writePinned } from './lock-file.ts';

/** The images of others, as the configuration names them. */
function namedImages({ config }: Drawn): readonly string[] {
  const {
    POSTGRES_IMAGE,
    REDIS_IMAGE,
    MARIADB_IMAGE,
    POSTAL_IMAGE,
    NGINX_IMAGE,
    CERTBOT_IMAGE,
    MAILCTL_IMAGE,
  } = config;
  const certbot = config.TLS_SOURCE === 'acme' ? [CERTBOT_IMAGE] : [];
  const own = MAILCTL_IMAGE === undefined ? [] : [MAILCTL_IMAGE];
  return [
    ...new Set([POSTGRES_IMAGE, REDIS_IMAGE, MARIADB_IMAGE, POSTAL_IMAGE, NGINX_IMAGE, ...certbot, ...own]),
  ];
}

/** The variable that names our own image, also where it is built here and the variable is not set. */
export const ownVariable = 'MAILCTL_IMAGE';

/** The name of an image in the configuration; ours names what it is built from. */
export function nameOf(variable: string, { config, ownName }: Pick<Drawn, 'config' | 'ownName'>): string {
  const named = (config as Readonly<Record<string, unknown>>)[variable];
  return typeof named === 'string' ? named : ownName;
}

/** The images that the engine lacks, or every one with `all`. */
export async function missingImages(
  world: Runtime,
  drawn: Drawn,
  { all }: { readonly all: boolean },
): Promise<readonly string[]> {
  const docker = await world.docker();
  const wanted = namedImages(drawn);
  const found = await Promise.all(wanted.map((name) => docker.image(drawn.pinned[name] ?? name)));
  return wanted.filter((_, index) => all || !found[index]);
}

/** Pulls images, and writes down the digest that each name means from now on. */
export function obtainImages(names: readonly string[]): Step {
  return {
    do: 'pull',
    what: `pull ${names.join(', ')}`,
    run: async (world) => {
      const docker = await world.docker();
      const pinned: Record<string, string> = { ...(await readPinned(world)) };
      for (const name of names) {
        await docker.pull(pinned[name] ?? name).catch((cause: unknown) => {
          throw notToBeHad(name, cause);
        });
        const digest = digestUnder(name, (await docker.image(pinned[name] ?? name))?.digests ?? []);
        if (digest !== undefined) pinned[name] = digest;
      }
      await writePinned(world, pinned);
    },
  };
}

/** An image that several repositories have is known by the digest in each of them. */
export function digestUnder(name: string, digests: readonly string[]): string | undefined {
  return digests.find((digest) => digest.startsWith(`${repositoryOf(name)}@`)) ?? digests[0];
}

/** An image's name without its tag. */
export function repositoryOf(name: string): string {
  const colon = name.lastIndexOf(':');
  return colon > name.lastIndexOf('/') ? name.slice(0, colon) : name;
}

function notToBeHad(name: string, cause: unknown): unknown {
  if (cause instanceof OperatorError) return cause;
  return new OperatorError('unreachable', `the image ${name} is not on this host and cannot be pulled`, {
    hint: 'Check its name and the way to its registry; on a host without one: docker load -i FILE, then mailctl up',
    cause,
  });
}

/** Builds our image from the installed package. */
export function buildOwnImage(name: string): Step {
  return {
    do: 'build',
    what: `build the image ${name} from the installed package`,
    run: async (world) => {
      const { content, config } = await drawUp(world);
      if (!content) return;
      const dockerfile = new URL('../../../templates/image/Dockerfile', import.meta.url);
      await world.buildImage({
        name,
        context: content.root,
        dockerfile: await readFile(dockerfile, 'utf8'),
        ignore: ignoreAllBut(content.paths),
        arguments: { NODE_IMAGE: config.NODE_IMAGE, VERSION: content.version },
        timeoutMs: config.COMPOSE_TIMEOUT,
      });
    },
  };
}

/** Removes the images that earlier versions of mailctl were built into: neither what runs nor what a rollback goes back to. None where there are none. */
export async function removeOutdatedImages(world: Runtime, drawn: Drawn): Promise<readonly Step[]> {
  const { images, previous } = await readLockFile(world);
  const kept = new Set([drawn.ownName, ...Object.values({ ...images, ...previous?.images })]);
  const names = await (await world.docker()).namesIn(`${drawn.config.STACK_NAME}-own`);
  const outdated = names.filter((name) => !kept.has(name));
  if (outdated.length === 0) return [];
  return [
    {
      do: 'remove',
      what: `remove what earlier versions of mailctl ran from: ${outdated.join(', ')}`,
      run: async (here) => {
        const docker = await here.docker();
        for (const name of outdated) await docker.removeImage(name);
      },
    },
  ];
}
