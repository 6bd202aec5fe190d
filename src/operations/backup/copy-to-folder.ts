import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

import { OperatorError } from '../../domain/failure.ts';
import { type CopiedFile, filesOf } from './copies.ts';
import { requireSame } from './prove-part.ts';
import type { BackupSet } from './sets.ts';
import { setPath, stopOrTimeout, type Workplace } from './workplace.ts';
import { diskFull, isDiskFull } from './write-part.ts';

/** Copies a set into a directory: under a name with a dot until every file there was read back. What is there already is read only. */
export async function copyToFolder(place: Workplace, set: BackupSet, folder: string): Promise<void> {
  try {
    await copy(place, set, folder);
  } catch (cause) {
    throw explained(cause, folder);
  }
}

async function copy(place: Workplace, set: BackupSet, folder: string): Promise<void> {
  const { archive } = place;
  const [final, draft] = [join(folder, set.id), join(folder, `.${set.id}.partial`)];
  const isThere = (await archive.list(final)).length > 0;
  const into = isThere ? final : draft;
  await archive.makeFolder(into);
  for (const file of await filesOf(place, set)) {
    place.tell(`${file.name}: copying to ${folder}`);
    await copyFile(place, set, { file, path: join(into, file.name) });
  }
  if (!isThere) await archive.publish(draft, final);
}

interface Wanted {
  readonly file: CopiedFile;
  readonly path: string;
}

async function copyFile(place: Workplace, { id }: BackupSet, { file, path }: Wanted): Promise<void> {
  const { archive } = place;
  const { name, bytes, sha256 } = file;
  const has = await requireSame(place, { path, bytes, sha256 }).then(
    () => true,
    () => false,
  );
  if (has) return;
  await archive.remove(path);
  const signal = stopOrTimeout(place);
  await pipeline(archive.read(setPath(place, id, name)), archive.write(path).into, { signal });
  await requireSame(place, { path, bytes, sha256 });
}

/** A folder that cannot be written is the operator's to mend; a stack's scheduler is not root. */
function explained(cause: unknown, folder: string): unknown {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (isDiskFull(code)) return diskFull('BACKUP_COPY_DIR', cause);
  if (!['EACCES', 'EPERM', 'EROFS', 'ENOTDIR'].includes(code)) return cause;
  return new OperatorError('unreachable', `copies cannot be written to ${folder} (${code})`, {
    hint: 'Let whoever runs mailctl write there; the scheduler of a stack is the user 10053: chown 10053 FOLDER',
    field: 'BACKUP_COPY_DIR',
    cause,
  });
}
