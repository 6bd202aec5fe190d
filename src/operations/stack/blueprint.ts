import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';

import type { ConfigOf } from '../../config/environment.ts';
import { hasSink } from '../../config/profiles.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import { sinkResolver } from '../domains/sink-records.ts';
import { mariadbConfig } from '../postal/configuration.ts';
import type { RenderedFile } from '../tls/nginx.ts';
import { platformNames } from '../tls/names.ts';
import { acmeCaPath, renderTls } from '../tls/render.ts';
import { usersScript } from './mariadb-users.ts';
import { ownImage, type PackageContent } from './image.ts';
import { readPinned } from './lock-file.ts';
import type { Blueprint } from './compose-values.ts';
import { renderCompose } from './render.ts';
import { postalFiles, redisConfig } from './secret-files.ts';
import { trackingNames } from './tracking-names.ts';

/** All that the folder's stack follows from, read anew. */
export interface Drawn extends Blueprint {
  /** What our image is called; after a rollback an older one runs under another name. */
  readonly ownName: string;
  /** It is built here, and not a ready one. */
  readonly isBuilt: boolean;
  /** What our image is built from, unless a ready one is named. */
  readonly content: PackageContent | undefined;
  /** Every file that is rendered, compose.yaml last. */
  readonly files: readonly RenderedFile[];
}

/** Draws up the stack from the configuration. Throws `config-invalid` with all that is wrong with it. */
export async function drawUp(world: Runtime): Promise<Drawn> {
  const config = await world.config('operator');
  const sources = await world.sources();
  const { name: ownName, content } = await ownImage(config);
  const names = platformNames(config, await trackingNames(world));
  const pinned = await readPinned(world);
  const mariadb = await mariadbConfig(config);
  const postal = await postalFiles({ world, config, sources, names });
  const digests = {
    mariadb: digestOf(mariadb),
    redis: digestOf(redisConfig(config)),
    postal: digestOf(postal.server),
    postalSenders: digestOf(postal.senders),
  };
  const blueprint = { config, sources, image: pinned[ownName] ?? ownName, names, pinned, digests };
  const files = [
    ...(await renderTls(config, names)),
    ...(await acmeCa(world, config)),
    { path: 'rendered/mariadb/mailctl.cnf', content: mariadb, mode: 0o644 },
    { path: 'rendered/mariadb/users.sh', content: await usersScript(), mode: 0o644 },
    ...(hasSink(config)
      ? [{ path: 'rendered/sink/resolv.conf', content: sinkResolver(config), mode: 0o644 }]
      : []),
    { path: 'compose.yaml', content: await renderCompose(blueprint), mode: 0o644 },
  ];
  return { ...blueprint, ownName, isBuilt: content !== undefined, content, files };
}

/** It names what is random enough that nobody finds it from its digest. */
function digestOf(content: string): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 16);
}

/** What vouches for a private certificate authority, for certbot to see. */
async function acmeCa(
  { dir, files }: Runtime,
  config: ConfigOf<'operator'>,
): Promise<readonly RenderedFile[]> {
  const { ACME_CA_FILE: path, TLS_SOURCE } = config;
  if (path === undefined || TLS_SOURCE !== 'acme') return [];
  const content = await files.readOwn(resolve(dir, path));
  if (content !== undefined) return [{ path: `rendered/${acmeCaPath}`, content, mode: 0o644 }];
  throw new OperatorError('config-invalid', `${path} is not there, and ACME_CA_FILE names it`, {
    hint: 'Put the certificate there, or unset ACME_CA_FILE for a public certificate authority',
    field: 'ACME_CA_FILE',
  });
}

/** The rendered files that are not in the folder as they should be. */
export async function filesToWrite(world: Runtime, { files }: Drawn): Promise<readonly RenderedFile[]> {
  const there = await Promise.all(files.map(({ path }) => world.files.readOwn(join(world.dir, path))));
  return files.filter(({ content }, index) => there[index] !== content);
}
