import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

import { cacheFolder, libraryFolders, unpackDebian } from './debian-packages.ts';

/** A program, and the library folders it needs when it is not installed. */
export interface EngineProgram {
  readonly path: string;
  /** Root of the unpacked packages; undefined for a program of this machine. */
  readonly root: string | undefined;
  readonly libraries: readonly string[];
}

/** Finds a program in PATH or the system's folders, else in the Debian package that brings it. */
export async function findProgram(name: string, debianPackage: string): Promise<EngineProgram> {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/bin'];
  for (const folder of folders.filter(Boolean)) {
    const path = join(folder, name);
    if (await runs(path)) return { path, root: undefined, libraries: [] };
  }
  const root = await unpackDebian([debianPackage], cacheFolder());
  const libraries = (await libraryFolders(root)).map((folder) => join(root, folder));
  for (const folder of ['usr/bin', 'usr/sbin']) {
    const path = join(root, folder, name);
    if (await runs(path)) return { path, root, libraries };
  }
  throw new Error(`Debian's ${debianPackage} brings no ${name}`);
}

async function runs(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
