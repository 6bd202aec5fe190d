import { join } from 'node:path';

import type { WholeFiles } from '../adapters/disk.ts';

const waiting = 'reship-since';
const taken = 'reship-taken';

/**
 * Asks the relay that owns the directory to ship again what the api acknowledged since then; it does so at its next upkeep. Of two
 * wishes that wait the one that goes back further holds.
 */
export async function wishReship(disk: WholeFiles, directory: string, since: Date): Promise<void> {
  const before = await readWish(disk, directory, waiting);
  if (before && before <= since) return;
  await disk.replace(join(directory, waiting), [Buffer.from(`${since.toISOString()}\n`)]);
}

/**
 * Takes the wish that waits, or the one that was taken and not granted before this process began. It is out of the way of the next
 * wish from here on, so that granting this one forgets no other. Undefined when there is none; one that cannot be read is `new Date(NaN)`.
 */
export async function takeReshipWish(disk: WholeFiles, directory: string): Promise<Date | undefined> {
  const names = await disk.list(directory);
  if (!names.includes(taken)) {
    if (!names.includes(waiting)) return undefined;
    await disk.rename(join(directory, waiting), join(directory, taken));
  }
  return readWish(disk, directory, taken);
}

/** True while a wish waits or is being granted. */
export async function wishesReship(disk: WholeFiles, directory: string): Promise<boolean> {
  const names = await disk.list(directory);
  return names.includes(waiting) || names.includes(taken);
}

/** Forgets the wish that was taken: it was granted, or cannot be read. */
export async function forgetTakenWish(disk: WholeFiles, directory: string): Promise<void> {
  await disk.remove(join(directory, taken));
}

/** A relay may take the wish at any moment. */
async function readWish(disk: WholeFiles, directory: string, file: string): Promise<Date | undefined> {
  const octets = await disk.read(join(directory, file)).catch((cause: unknown) => {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw cause;
  });
  if (!octets) return undefined;
  const text = octets.toString('utf8').trim();
  return new Date(text === '' ? Number.NaN : text);
}
