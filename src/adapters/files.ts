import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

import { OperatorError } from '../domain/failure.ts';

/** The file system, as far as an operator's folder needs it. Errors name the path and the remedy. */
export interface Files {
  /** The text of a file; undefined when there is none. Refuses symbolic links and files of another user. */
  readOwn(path: string): Promise<string | undefined>;
  /**
   * Replaces a file whole or not at all. The mode is set before the content, and the content is on disk before the name
   * points to it, so that neither a crash nor another user ever sees half a file or a readable secret.
   */
  write(path: string, content: string, mode: number): Promise<void>;
  /** True when there is a folder at the path. */
  isFolder(path: string): Promise<boolean>;
  /** Makes a folder and those above it; one that exists keeps its mode. */
  makeFolder(path: string, mode: number): Promise<void>;
}

/** The real file system. `uid` is who we are; undefined where there are no users. */
export function openFiles(uid: number | undefined): Files {
  return {
    readOwn: (path) => readOwn(path, uid),
    write: (path, content, mode) => replace(path, content, mode),
    isFolder: async (path) =>
      (await lstat(path).catch((cause: unknown) => absentOr(path, cause)))?.isDirectory() ?? false,
    makeFolder: (path, mode) => makeFolder(path, mode),
  };
}

async function readOwn(path: string, uid: number | undefined): Promise<string | undefined> {
  const found = await lstat(path).catch((cause: unknown) => absentOr(path, cause));
  if (!found) return undefined;
  if (found.isSymbolicLink()) throw unsafe(path, 'is a symbolic link', 'Put the file itself there');
  if (!found.isFile()) throw unsafe(path, 'is not a regular file', 'Move it away');
  if (uid !== undefined && found.uid !== uid) {
    throw unsafe(
      path,
      `belongs to another user (uid ${found.uid}, you are ${uid})`,
      `Run as its owner, or: chown ${uid} ${path}`,
    );
  }
  return readFile(path, 'utf8').catch((cause: unknown) => {
    throw unwritable(path, 'read', cause);
  });
}

function absentOr(path: string, cause: unknown): undefined {
  if (isCode(cause, 'ENOENT')) return undefined;
  throw unwritable(path, 'read', cause);
}

async function replace(path: string, content: string, mode: number): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}.new`;
  try {
    await using file = await open(draft, 'wx', 0o600);
    await file.chmod(mode);
    await file.writeFile(content);
    await file.sync();
    await rename(draft, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    await rm(draft, { force: true });
    throw unwritable(path, 'write', cause);
  }
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r');
  await folder.sync();
}

async function makeFolder(path: string, mode: number): Promise<void> {
  try {
    const made = await mkdir(path, { recursive: true, mode });
    if (made !== undefined) await chmod(path, mode);
  } catch (cause) {
    throw unwritable(path, 'make', cause);
  }
}

function unsafe(path: string, what: string, hint: string): OperatorError {
  return new OperatorError('refused', `${path} ${what}; nothing was changed`, { hint, field: path });
}

function unwritable(path: string, verb: string, cause: unknown): OperatorError {
  const hint = isCode(cause, 'ENOSPC')
    ? 'The disk is full: free some space and run it again'
    : 'Choose a folder you own with -C DIR, or give yourself the right to it';
  return new OperatorError('access-denied', `cannot ${verb} ${path}`, { hint, field: path, cause });
}

function isCode(cause: unknown, code: string): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === code;
}
