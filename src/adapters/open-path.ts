import { realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

const readAndRun = 0o005;
const pass = 0o001;
const write = 0o002;

/** Whether any user may run the program at `path`: every folder above it lets all pass. */
export async function isOpenToAll(path: string): Promise<boolean> {
  const real = await realpath(path).catch(() => undefined);
  return real !== undefined && (await allows(real, readAndRun)) && letsAllPass(dirname(real));
}

async function letsAllPass(folder: string): Promise<boolean> {
  if (!(await allows(folder, pass))) return false;
  return folder === dirname(folder) || letsAllPass(dirname(folder));
}

/** Whether any user may make a file in `folder`. */
export async function letsAllWrite(folder: string): Promise<boolean> {
  return (await allows(folder, write)) && letsAllPass(folder);
}

async function allows(path: string, bits: number): Promise<boolean> {
  return ((await stat(path)).mode & bits) === bits;
}
