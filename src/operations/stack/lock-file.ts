import { join } from 'node:path';

import { z } from 'zod';

import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';

const path = 'mailctl.lock.json';
const shape = z.object({ images: z.record(z.string(), z.string()) });

/** Which digest each image name meant when it was first pulled; it is kept until `upgrade`. Throws `config-invalid` for a broken file. */
export async function readPinned({
  dir,
  files,
}: Pick<Runtime, 'dir' | 'files'>): Promise<Readonly<Record<string, string>>> {
  const content = await files.readOwn(join(dir, path));
  if (content === undefined) return {};
  try {
    return shape.parse(JSON.parse(content)).images;
  } catch (cause) {
    throw new OperatorError('config-invalid', `${path} cannot be read`, {
      hint: `Take it from a backup, or remove it: then the images as they are now count`,
      field: path,
      cause,
    });
  }
}

/** Writes the digests down. */
export async function writePinned(
  { dir, files }: Pick<Runtime, 'dir' | 'files'>,
  images: Readonly<Record<string, string>>,
): Promise<void> {
  await files.write(join(dir, path), `${JSON.stringify({ images }, undefined, 2)}\n`, 0o644);
}
