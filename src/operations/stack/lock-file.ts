import { join } from 'node:path';

import { z } from 'zod';

import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';

const path = 'mailctl.lock.json';

const previousShape = z.object({
  at: z.string(),
  /** The upgrade after it came to its end. */
  finished: z.boolean(),
  /** The set that was taken before. */
  backup: z.string().nullable(),
  /** What each image was, by the variable that names it; `MAILCTL_IMAGE` is ours, also where it was built here. */
  images: z.record(z.string(), z.string()),
  /** How far the databases were migrated, by what migrates them. */
  marks: z.record(z.string(), z.string()),
});
const shape = z.object({ images: z.record(z.string(), z.string()), previous: previousShape.optional() });

/** What ran before an upgrade. */
export type Previous = z.output<typeof previousShape>;

/** What mailctl.lock.json says: which image each name means, and what ran before the last upgrade. */
export type LockFile = z.output<typeof shape>;

type Place = Pick<Runtime, 'dir' | 'files'>;

/** Reads the file; one that is not there says nothing. Throws `config-invalid` for a broken one. */
export async function readLockFile({ dir, files }: Place): Promise<LockFile> {
  const content = await files.readOwn(join(dir, path));
  if (content === undefined) return { images: {} };
  try {
    return shape.parse(JSON.parse(content));
  } catch (cause) {
    throw new OperatorError('config-invalid', `${path} cannot be read`, {
      hint: `Take it from a backup, or remove it: then the images as they are now count`,
      field: path,
      cause,
    });
  }
}

/** Writes the file. */
export async function writeLockFile({ dir, files }: Place, content: LockFile): Promise<void> {
  await files.write(join(dir, path), `${JSON.stringify(content, undefined, 2)}\n`, 0o644);
}

/** Which digest each image name meant when it was first pulled; it is kept until `upgrade`. Throws `config-invalid` for a broken file. */
export async function readPinned(place: Place): Promise<Readonly<Record<string, string>>> {
  return (await readLockFile(place)).images;
}

/** Writes the digests down. */
export async function writePinned(place: Place, images: Readonly<Record<string, string>>): Promise<void> {
  await writeLockFile(place, { ...(await readLockFile(place)), images });
}
