import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { cacheFolder, libraryFolders, unpackDebian } from '../../engines/debian-packages.ts';

/** Puts Debian's `age` into a folder of programs, as a person has it on any machine. */
export async function putAge(folder: string): Promise<string> {
  const root = await unpackDebian({ name: 'age', brings: 'usr/bin/age' }, cacheFolder());
  const libraries = (await libraryFolders(root)).map((name) => join(root, name)).join(':');
  const path = join(folder, 'age');
  writeFileSync(path, `#!/bin/sh\nLD_LIBRARY_PATH=${libraries} exec ${join(root, 'usr/bin/age')} "$@"\n`);
  chmodSync(path, 0o755);
  return path;
}
