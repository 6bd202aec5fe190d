import { join } from 'node:path';

import type { Disk } from '../adapters/disk.ts';

const file = 'reship-since';

/** Asks the relay that owns the directory to ship again what the api acknowledged since then; it does so at its next upkeep. */
export async function wishReship(disk: Disk, directory: string, since: Date): Promise<void> {
  await disk.replace(join(directory, file), [Buffer.from(`${since.toISOString()}\n`)]);
}

/** The wish that waits; undefined when there is none. One that cannot be read is `new Date(NaN)`. */
export async function readReshipWish(disk: Disk, directory: string): Promise<Date | undefined> {
  if (!(await disk.list(directory)).includes(file)) return undefined;
  const text = (await disk.read(join(directory, file))).toString('utf8').trim();
  return new Date(text === '' ? Number.NaN : text);
}

/** Forgets the wish, which was granted or cannot be read. */
export async function forgetReshipWish(disk: Disk, directory: string): Promise<void> {
  await disk.remove(join(directory, file));
}
