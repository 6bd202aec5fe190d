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

/** A program, and the Debian package with the folder in it that brings it where it is not installed. */
export interface ProgramSource {
  readonly program: string;
  readonly debianPackage: string;
  readonly folder: 'bin' | 'usr/bin' | 'usr/sbin';
}

/** Finds a program in PATH or the system's folders, else in its Debian package. */
export async function findProgram({ program, debianPackage, folder }: ProgramSource): Promise<EngineProgram> {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/bin'];
  for (const place of folders.filter(Boolean)) {
    const path = join(place, program);
    if (await runs(path)) return { path, root: undefined, libraries: [] };
  }
  const brings = join(folder, program);
  const root = await unpackDebian({ name: debianPackage, brings }, cacheFolder());
  const libraries = (await libraryFolders(root)).map((inside) => join(root, inside));
  return { path: join(root, brings), root, libraries };
}

async function runs(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
