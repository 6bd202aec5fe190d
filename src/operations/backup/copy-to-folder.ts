import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

import { filesOf } from './copies.ts';
import { requireSame } from './prove-part.ts';
import type { BackupSet } from './sets.ts';
import { setPath, stopOrTimeout, type Workplace } from './workplace.ts';

/** Copies a set into a directory: under a name with a dot until every file there was read back. What is there already is read only. */
export async function copyToFolder(place: Workplace, set: BackupSet, folder: string): Promise<void> {
  const { archive } = place;
  const files = await filesOf(place, set);
  const [final, draft] = [join(folder, set.id), join(folder, `.${set.id}.partial`)];
  const isThere = (await archive.list(final)).length > 0;
  const into = isThere ? final : draft;
  await archive.makeFolder(into);
  for (const { name, bytes, sha256 } of files) {
    const path = join(into, name);
    place.tell(`${name}: copying to ${folder}`);
    const has = await requireSame(place, { path, bytes, sha256 }).then(
      () => true,
      () => false,
    );
    if (has) continue;
    await archive.remove(path);
    const signal = stopOrTimeout(place);
    await pipeline(archive.read(setPath(place, set.id, name)), archive.write(path).into, { signal });
    await requireSame(place, { path, bytes, sha256 });
  }
  if (!isThere) await archive.publish(draft, final);
}
