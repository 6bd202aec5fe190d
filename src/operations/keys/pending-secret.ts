import { join } from 'node:path';

import { Secret } from '../../domain/secret.ts';
import type { Runtime } from '../../runtime.ts';

const folder = 'secrets/rotation';
const secretMode = 0o600;

type World = Pick<Runtime, 'dir' | 'files'>;

/** Where the new secret of a rotation lies, for its owner alone, until the old one is retired. */
export function pendingPath(id: string): string {
  return `${folder}/${id}`;
}

/** The secret of a rotation under way; undefined where there is none. */
export async function readPending({ dir, files }: World, id: string): Promise<Secret | undefined> {
  const text = await files.readOwn(join(dir, pendingPath(id)));
  return text === undefined || text === '' ? undefined : new Secret(text.trim());
}

/** Keeps a new secret before anything else knows of it, so that no step is lost with the process. */
export async function keepPending({ dir, files }: World, id: string, secret: Secret): Promise<void> {
  await files.makeFolder(join(dir, folder), 0o700);
  await files.write(join(dir, pendingPath(id)), `${secret.reveal()}\n`, secretMode);
}

/** The ids of keys whose secrets lie there. */
export async function pendingSecrets(world: Pick<Runtime, 'dir' | 'archive'>): Promise<readonly string[]> {
  return (await world.archive()).list(join(world.dir, folder));
}

/** Forgets the secret of a rotation that has ended. */
export function forgetPending({ dir, files }: World, id: string): Promise<void> {
  return files.remove(join(dir, pendingPath(id)));
}
