import type { Dirent } from 'node:fs';
import { chown, constants, copyFile, mkdir, readdir, readlink, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';

import type { ProgramOwner } from './program-owner.ts';

/** Copies a tree of programs into a new folder of `owner`, and makes the library links that an install script would have made. */
export async function copyPrograms(from: string, to: string, owner: ProgramOwner): Promise<void> {
  await mkdir(to);
  if (owner) await chown(to, owner.uid, owner.gid);
  const entries = await readdir(from, { withFileTypes: true });
  await Promise.all(entries.map((entry) => copyEntry(entry, join(from, entry.name), { to, owner })));
  await Promise.all(entries.flatMap((entry) => linksTo(entry)).map((link) => makeLink(to, link)));
}

async function copyEntry(
  entry: Dirent,
  from: string,
  { to, owner }: { readonly to: string; readonly owner: ProgramOwner },
): Promise<void> {
  const target = join(to, entry.name);
  if (entry.isDirectory()) await copyPrograms(from, target, owner);
  else if (entry.isSymbolicLink()) await symlink(await readlink(from), target);
  else await copyFile(from, target, constants.COPYFILE_FICLONE);
}

interface Link {
  readonly name: string;
  readonly target: string;
}

/** `libpq.so.5.18` is asked for as `libpq.so.5`. */
function linksTo(entry: Dirent): readonly Link[] {
  const [, name] = /^(lib[^/]+\.so\.\d+)\.[\d.]+$/.exec(entry.name) ?? [];
  return name && entry.isFile() ? [{ name, target: entry.name }] : [];
}

async function makeLink(folder: string, { name, target }: Link): Promise<void> {
  const path = join(folder, name);
  await rm(path, { force: true });
  await symlink(target, path);
}
