import { join, relative, resolve } from 'node:path';

import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import { escrowPublicPath } from '../backup/recipients.ts';
import { handedOnFolder } from '../backup/pack.ts';
import { ownId } from './services.ts';
import type { TarEntry } from './tar.ts';

/** Where the key that proves sets is in our containers, wherever the operator keeps it. */
export const verifyKeyInside = 'secrets/backup-verify.key';

/** What `up` renders anew is not among it: only what cannot be had again. */
const belongs = ['.env', 'compose.override.yaml', 'mailctl.lock.json'];

/** What the scheduler needs of the operator's folder to take, prove and prune sets there; it is read by our user alone. */
export async function handedOn(world: Runtime): Promise<readonly TarEntry[]> {
  const { BACKUP_VERIFY_KEY: key, POSTAL_PROVISION_FILE } = await world.config('operator');
  const declared = relative(world.dir, resolve(world.dir, POSTAL_PROVISION_FILE));
  const secrets = (await world.files.list(join(world.dir, 'secrets'))).map((name) => `secrets/${name}`);
  const own = [...belongs, ...(declared.startsWith('..') ? [] : [declared]), ...secrets.toSorted()];
  const entries = [
    [verifyKeyInside, key === 'none' ? undefined : await textOf(world, key)],
    [escrowPublicPath, await textOf(world, escrowPublicPath)],
    ...(await Promise.all(
      own.map(async (path) => [join(handedOnFolder, path), await textOf(world, path)] as const),
    )),
  ] as const;
  return [
    ...[handedOnFolder, join(handedOnFolder, 'secrets')].map((path) => ({
      ...ours(`${path}/`),
      mode: 0o500,
    })),
    ...entries.flatMap(([path, content]) =>
      content === undefined ? [] : [{ ...ours(path), content, mode: 0o400 }],
    ),
  ];
}

/** A path below the folder of our containers, in the volume that holds its secrets. */
function ours(path: string) {
  return { path: path.replace(/^secrets/, 'secrets-operator'), uid: ownId, gid: ownId };
}

/** What is no text of the operator's own, such as a folder, is no key of ours. */
async function textOf({ dir, files }: Runtime, path: string): Promise<string | undefined> {
  return files.readOwn(resolve(dir, path)).catch((cause: unknown) => {
    if (cause instanceof OperatorError && cause.code === 'refused') return undefined;
    throw cause;
  });
}
