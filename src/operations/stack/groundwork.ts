import { join } from 'node:path';

import type { Runtime } from '../../runtime.ts';
import type { Step } from '../plan.ts';
import { type Drawn, drawUp, filesToWrite } from './blueprint.ts';
import { lookAtContainers } from './current.ts';
import { fillVolumes, lookAtSecrets } from './distribute-secrets.ts';
import { buildOwnImage, missingImages, obtainImages } from './images.ts';

/** What must be there before any service starts: rendered files, images, secrets in their volumes; with `pull` images are pulled anew. */
export async function groundwork(
  world: Runtime,
  drawn: Drawn,
  { pull }: { readonly pull: boolean },
): Promise<readonly Step[]> {
  const files = await filesToWrite(world, drawn);
  const builds =
    drawn.isBuilt &&
    drawn.image === drawn.ownName &&
    (await (await world.docker()).image(drawn.image)) === undefined;
  const missing = await missingImages(world, drawn, { all: pull });
  const secrets = await lookAtSecrets(world, drawn);
  const fills = !secrets.isDone || missing.length > 0;
  const pins = missing.some((name) => drawn.pinned[name] === undefined);
  const written = new Set([...files.map(({ path }) => path), ...(pins ? ['compose.yaml'] : [])]);
  return [
    ...(builds ? [buildOwnImage(drawn.image)] : []),
    ...(missing.length > 0 ? [obtainImages(missing)] : []),
    ...(written.size > 0 ? [writeFiles([...written])] : []),
    ...(fills ? [fill] : []),
  ];
}

/** Rendered files are written from what is true at that moment: an earlier step may have changed `.env`, or learnt the digest of an image. */
function writeFiles(paths: readonly string[]): Step {
  return {
    do: 'write',
    what: `write ${paths.join(', ')}`,
    run: async (world) => void (await settleFiles(world)),
  };
}

/** Writes every rendered file that is not as it should be, and tells which. */
export async function settleFiles(world: Runtime): Promise<readonly string[]> {
  for (const folder of [
    'rendered',
    'rendered/nginx',
    'rendered/nginx/sites',
    'rendered/certbot',
    'rendered/postal',
    'rendered/mariadb',
    'rendered/sink',
  ])
    await world.files.makeFolder(join(world.dir, folder), 0o755);
  const files = await filesToWrite(world, await drawUp(world));
  for (const { path, content, mode } of files) await world.files.write(join(world.dir, path), content, mode);
  return files.map(({ path }) => path);
}

const fill: Step = {
  do: 'secrets',
  what: 'write the secrets into the volumes of their readers (0400)',
  run: settleSecrets,
};

async function settleSecrets(world: Runtime): Promise<void> {
  const secrets = await lookAtSecrets(world, await drawUp(world));
  if (secrets.isDone) return;
  await fillVolumes(world, secrets);
  await loadCertificates(world);
}

/** Who serves certificates that the operator brought looks at them now, and not only within its interval. */
async function loadCertificates(world: Runtime): Promise<void> {
  const { TLS_SOURCE } = await world.config('operator');
  const containers = await lookAtContainers(world);
  const names = ['nginx', 'relay'].filter((name) => containers.get(name)?.state === 'running');
  if (TLS_SOURCE !== 'files' || names.length === 0) return;
  await (await world.compose()).must({ argv: ['kill', '--signal', 'HUP', ...names] });
}
