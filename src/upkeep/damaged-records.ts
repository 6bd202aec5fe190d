import { join } from 'node:path';

import type { WholeFiles } from '../adapters/disk.ts';

/** The folder, beside the journal's segments, of what could not be read as a record. */
export const damagedFolder = 'damaged';

const suffix = '.bytes';

/** A stretch of the journal that is no record any more. */
export interface DamagedRecord {
  readonly name: string;
  readonly bytes: number;
  readonly since: Date;
  /** The file that holds its octets. */
  readonly path: string;
}

/** The file of the octets between two places of a segment. */
export function damagedFile(
  segment: number,
  { from, to }: { readonly from: number; readonly to: number },
): string {
  return `${segment}-${from}-${to - from}${suffix}`;
}

/** True for a file of damaged octets, also for one whose octets were dropped. */
export function isDamagedFile(file: string): boolean {
  return file.endsWith(suffix);
}

/** The damaged stretches that nobody has dropped, oldest first. */
export async function listDamaged(disk: WholeFiles, directory: string): Promise<readonly DamagedRecord[]> {
  const all = await allDamaged(disk, directory);
  return all
    .filter(({ bytes }) => bytes > 0)
    .toSorted((one, other) => one.since.getTime() - other.since.getTime());
}

/** How many stretches were dropped. */
export async function countDropped(disk: WholeFiles, directory: string): Promise<number> {
  return (await allDamaged(disk, directory)).filter(({ bytes }) => bytes === 0).length;
}

async function allDamaged(disk: WholeFiles, directory: string): Promise<readonly DamagedRecord[]> {
  const folder = join(directory, damagedFolder);
  const files = (await disk.list(folder)).filter(isDamagedFile).map((file) => join(folder, file));
  return Promise.all(
    files.map(async (path) => {
      const { bytes, modifiedAt } = await disk.about(path);
      return { name: path.slice(folder.length + 1, -suffix.length), bytes, since: modifiedAt, path };
    }),
  );
}

/** Deletes the octets for good. The empty file stays, so that the relay does not set the same stretch aside again. False when there are none. */
export async function dropDamaged(disk: WholeFiles, directory: string, name: string): Promise<boolean> {
  const found = (await listDamaged(disk, directory)).find((one) => one.name === name);
  if (!found) return false;
  await disk.replace(found.path, []);
  return true;
}
