import { createHash } from 'node:crypto';
import { join } from 'node:path';

import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import type { Step } from '../plan.ts';
import { type Drawn, drawUp } from './blueprint.ts';
import { handedOn } from './handed-on.ts';
import { filledVolumes } from './render.ts';
import { secretFiles } from './secret-files.ts';
import { imageId, ownId } from './services.ts';
import { packTar, type TarEntry } from './tar.ts';

const markPath = 'state/secrets.json';

/** What the volumes should hold, and whether they do. */
export interface Distribution {
  readonly archive: Buffer;
  readonly digest: string;
  readonly isDone: boolean;
}

/** Looks whether the volumes hold today's secrets: by a digest written down, and by the age of the volumes. */
export async function lookAtSecrets(world: Runtime, drawn: Drawn): Promise<Distribution> {
  const archive = packTar([
    ...(await secretFiles({ world, ...drawn })),
    ...(await handedOn(world, drawn.files)),
    ...folders(),
  ]);
  const digest = createHash('sha256').update(archive).digest('hex');
  const mark = await readMark(world);
  const volumes = await (await world.docker()).volumes();
  const untouched = filledVolumes.filter(isOursAlone).every((name) => {
    const made = volumes.get(name);
    return mark !== undefined && made !== undefined && made.getTime() <= mark.at.getTime();
  });
  return { archive, digest, isDone: untouched && mark?.digest === digest };
}

/** The engine dates a volume by what was last written into it: others write into some. */
function isOursAlone(name: string): boolean {
  return name.startsWith('secrets-') || name === 'postal-config';
}

/** Folders that are written into: by our user, of the host two (backups and what is known of runs), and one by Postal's workers. */
function folders(): readonly TarEntry[] {
  const own = { uid: ownId, gid: ownId };
  return [
    { path: 'postal-run/', mode: 0o755, uid: imageId, gid: imageId },
    { path: 'tls/', mode: 0o770, uid: 0, gid: ownId },
    { path: 'scheduler-data/', mode: 0o700, ...own },
    { path: 'backups/', mode: 0o770, ...own },
    { path: 'runs/', mode: 0o770, ...own },
  ];
}

/** Has a one-shot write the files into the volumes; they reach it through its stdin alone. */
export async function fillVolumes(world: Runtime, { archive, digest }: Distribution): Promise<void> {
  const compose = await world.compose();
  await compose.must({
    argv: ['run', '--rm', '-T', '--no-deps', 'secrets'],
    input: archive,
    profiles: ['tools'],
  });
  const mark = { digest, at: world.clock.now().toISOString() };
  await world.files.write(join(world.dir, markPath), `${JSON.stringify(mark)}\n`, 0o600);
}

/** Brings today's secrets to the services of this folder; does nothing where it holds no stack. Ours read them again by themselves. */
export async function distributeSecrets(world: Runtime): Promise<void> {
  if ((await world.files.modeOf(join(world.dir, 'compose.yaml'))) === undefined) return;
  world.forgetSources();
  const distribution = await lookAtSecrets(world, await drawUp(world));
  if (!distribution.isDone) await fillVolumes(world, distribution);
}

/** The same as a step of an act that is done without it: what does not succeed now is done by the next `up`. */
export const handOnLater: Step = {
  do: 'secrets',
  what: 'hand on what changed to the containers of a stack',
  run: (world) =>
    distributeSecrets(world).catch((cause: unknown) => {
      if (!(cause instanceof OperatorError)) throw cause;
    }),
};

async function readMark({
  dir,
  files,
}: Runtime): Promise<{ readonly digest: string; readonly at: Date } | undefined> {
  const content = await files.readOwn(join(dir, markPath));
  if (content === undefined) return undefined;
  try {
    const { digest, at } = JSON.parse(content) as { digest: string; at: string };
    return { digest, at: new Date(at) };
  } catch {
    return undefined;
  }
}
