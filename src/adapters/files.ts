import { randomBytes } from 'node:crypto';
import { constants, fstatSync, openSync, closeSync, readFileSync } from 'node:fs';
import { chmod, link, lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

import { OperatorError } from '../domain/failure.ts';

/** The file system, as far as an operator's folder needs it. Errors name the path and the remedy. */
export interface Files {
  /** The text of a file; undefined when there is none. Refuses symbolic links, files of another user, and what is no UTF-8 text. */
  readOwn(path: string): Promise<string | undefined>;
  /** The text of a file that anyone may own and that holds no secret; undefined when there is none. */
  readAny(path: string): Promise<string | undefined>;
  /** The octets of a file, of whatever kind and wherever a link leads; undefined for one that is larger than `most`, none, or not to be read. */
  octetsOf(path: string, most: number): Promise<Buffer | undefined>;
  /** Names in a folder; none when there is no folder. */
  list(path: string): Promise<readonly string[]>;
  /** The permission bits of a file; undefined when there is none. */
  modeOf(path: string): Promise<number | undefined>;
  /**
   * Replaces a file whole or not at all. The mode is set before the content, and the content is on disk before the name
   * points to it, so that neither a crash nor another user ever sees half a file or a readable secret.
   */
  write(path: string, content: string, mode: number): Promise<void>;
  /** Writes a file in the same way where there is none; throws `locked` when another run made one meanwhile. */
  create(path: string, content: string, mode: number): Promise<void>;
  /** Replaces a file in the same way; throws `locked` when it is no longer `was`, because another run changed it meanwhile. */
  update(path: string, content: string, was: string, mode: number): Promise<void>;
  /** Removes a file, where there is one. */
  remove(path: string): Promise<void>;
  /** Takes rights away from, or gives them to, a file. */
  setMode(path: string, mode: number): Promise<void>;
  /** True when there is a folder at the path. */
  isFolder(path: string): Promise<boolean>;
  /** Makes a folder and those above it; one that exists keeps its mode. */
  makeFolder(path: string, mode: number): Promise<void>;
}

/** No file that a person writes for mailctl is larger, in bytes. */
const mostBytes = 1024 * 1024;

/** The real file system. `uid` is who we are; undefined where there are no users. */
export function openFiles(uid: number | undefined): Files {
  return {
    readOwn: (path) => readOwn(path, uid),
    readAny: (path) => readOwn(path, undefined),
    octetsOf: (path, most) => readOctets(path, most).catch(() => undefined),
    list: async (path) => (await readdir(path).catch((cause: unknown) => absentOr(path, cause))) ?? [],
    modeOf: async (path) => {
      const found = await lstat(path).catch((cause: unknown) => absentOr(path, cause));
      return found && found.mode & 0o7777;
    },
    write: (path, content, mode) => throughDraft(path, content, mode, (draft) => rename(draft, path)),
    create: (path, content, mode) => throughDraft(path, content, mode, (draft) => claim(draft, path)),
    update: (path, content, was, mode) =>
      throughDraft(path, content, mode, async (draft) => {
        if ((await readOwn(path, uid)) !== was) throw overtaken(path);
        await rename(draft, path);
      }),
    remove: (path) =>
      rm(path, { force: true }).catch((cause: unknown) => {
        throw failed(path, 'remove', cause);
      }),
    setMode: (path, mode) =>
      chmod(path, mode).catch((cause: unknown) => {
        throw failed(path, 'change the mode of', cause);
      }),
    isFolder: async (path) =>
      (await lstat(path).catch((cause: unknown) => absentOr(path, cause)))?.isDirectory() ?? false,
    makeFolder,
  };
}

/** The text of a small regular file that anyone may own, such as a mounted secret. Throws an error whose `code` says why not. */
export function readValueFile(path: string): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = fstatSync(file);
    if (!found.isFile()) throw coded('not a regular file');
    if (found.size > mostBytes) throw coded('larger than 1 MB');
    const text = decode(readFileSync(file));
    if (text === undefined) throw coded('not UTF-8');
    return text;
  } finally {
    closeSync(file);
  }
}

function coded(code: string): Error {
  return Object.assign(new Error(code), { code });
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const withoutWaiting = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

async function readOwn(path: string, uid: number | undefined): Promise<string | undefined> {
  const file = await open(path, withoutWaiting).catch((cause: unknown) => {
    if (isCode(cause, 'ELOOP')) throw unsafe(path, 'is a symbolic link', 'Put the file itself there');
    return absentOr(path, cause);
  });
  if (!file) return undefined;
  await using opened = file;
  await refuseUnsafe(path, opened, uid);
  const bytes = await opened.readFile().catch((cause: unknown) => {
    throw failed(path, 'read', cause);
  });
  const text = decode(bytes);
  if (text === undefined) throw unsafe(path, 'is no UTF-8 text', 'Save it as UTF-8');
  return text;
}

async function readOctets(path: string, most: number): Promise<Buffer | undefined> {
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const found = await file.stat();
  return found.isFile() && found.size <= most ? file.readFile() : undefined;
}

async function refuseUnsafe(path: string, file: FileHandle, uid: number | undefined): Promise<void> {
  const found = await file.stat();
  if (!found.isFile()) throw unsafe(path, 'is not a regular file', 'Move it away');
  if (found.size > mostBytes)
    throw unsafe(path, 'is larger than 1 MB', 'Look what it holds, and move it away');
  if (uid === undefined || found.uid === uid) return;
  throw unsafe(
    path,
    `belongs to another user (uid ${found.uid}, you are ${uid})`,
    `Run as its owner, or: chown ${uid} ${path}`,
  );
}

function absentOr(path: string, cause: unknown): undefined {
  if (isCode(cause, 'ENOENT')) return undefined;
  throw failed(path, 'read', cause);
}

async function throughDraft(
  path: string,
  content: string,
  mode: number,
  putInPlace: (draft: string) => Promise<void>,
): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}.new`;
  try {
    await using file = await open(draft, 'wx', 0o600);
    await file.chmod(mode);
    await file.writeFile(content);
    await file.sync();
    await putInPlace(draft);
    await syncFolder(dirname(path));
  } catch (cause) {
    throw cause instanceof OperatorError ? cause : failed(path, 'write', cause);
  } finally {
    await rm(draft, { force: true });
  }
}

/** A link, unlike a rename, fails when the name is taken: of two runs one wins, and the other's file is not lost. */
async function claim(draft: string, path: string): Promise<void> {
  await link(draft, path).catch((cause: unknown) => {
    throw isCode(cause, 'EEXIST') ? overtaken(path) : cause;
  });
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
    throw failed(path, 'make', cause);
  }
}

function unsafe(path: string, what: string, hint: string): OperatorError {
  return new OperatorError('refused', `${path} ${what}; nothing was changed`, { hint, field: path });
}

function overtaken(path: string): OperatorError {
  return new OperatorError('locked', `${path} was written by another run meanwhile; it was left as it is`, {
    hint: 'Run it again: it goes on from what is there now',
    field: path,
  });
}

const denied = new Set(['EACCES', 'EPERM', 'EROFS']);
const full = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const noFolder = new Set(['ENOTDIR', 'EEXIST', 'ENAMETOOLONG', 'ELOOP']);

function failed(path: string, verb: string, cause: unknown): OperatorError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const message = `cannot ${verb} ${path}`;
  const note = { field: path, cause };
  if (full.has(code)) {
    const hint = 'The disk is full: free some space and run it again';
    return new OperatorError('unreachable', message, { ...note, hint });
  }
  if (noFolder.has(code)) {
    const hint = 'Something else than a folder is in the way: choose another folder with -C DIR';
    return new OperatorError('usage', message, { ...note, hint });
  }
  const hint = denied.has(code)
    ? 'Choose a folder you own with -C DIR, or give yourself the right to it'
    : 'Look at the disk that holds it, and run it again';
  return new OperatorError(denied.has(code) ? 'access-denied' : 'unreachable', message, { ...note, hint });
}

function isCode(cause: unknown, code: string): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === code;
}
