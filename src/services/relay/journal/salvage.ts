import type { DiskFile } from '../../../adapters/disk.ts';

const pageBytes = 4096;
const tries = 2;

/**
 * Fills `target` with octets of which the medium may have lost some (EIO): pages that cannot be read are zeros, so that only the records in them are
 * damaged; gives what was read. Rejects where nothing of the file can be read: then it is the disk that is away, and not a page that is bad.
 */
export async function readOrSalvage(file: DiskFile, position: number, target: Buffer): Promise<Buffer> {
  const { length } = target;
  return file.readAt(position, length, target).catch(async (cause: unknown) => {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EIO')) throw cause;
    const found = await salvage(file, position, length);
    if (found.readable === 0 && !(await readPage(file, 0, 1, tries))) throw cause;
    return found.bytes;
  });
}

async function salvage(
  file: DiskFile,
  position: number,
  length: number,
): Promise<{ readonly bytes: Buffer; readonly readable: number }> {
  const bytes = Buffer.alloc(length);
  let readable = 0;
  for (let at = 0; at < length; at += pageBytes - ((position + at) % pageBytes)) {
    const wanted = Math.min(length - at, pageBytes - ((position + at) % pageBytes));
    const page = await readPage(file, position + at, wanted, tries);
    readable += page?.copy(bytes, at) ?? 0;
  }
  return { bytes, readable };
}

async function readPage(
  file: DiskFile,
  position: number,
  length: number,
  left: number,
): Promise<Buffer | undefined> {
  const page = await file.readAt(position, length).catch(() => undefined);
  return page ?? (left > 1 ? readPage(file, position, length, left - 1) : undefined);
}
