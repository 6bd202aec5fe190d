import { readFile } from 'node:fs/promises';

import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import type { Step } from '../plan.ts';
import { type Drawn, drawUp } from './blueprint.ts';
import { ignoreAllBut } from './image.ts';
import { readPinned, writePinned } from './lock-file.ts';

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
        const digest = (await docker.image(pinned[name] ?? name))?.digests[0];
        if (digest !== undefined) pinned[name] = digest;
      }
      await writePinned(world, pinned);
    },
  };
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
