import { constants, fdatasync, writev } from 'node:fs';
import {
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  statfs,
  utimes,
} from 'node:fs/promises';
import { dirname } from 'node:path';

/** An open file of a log. Every method rejects with the system's error; nothing is tried twice. */
export interface DiskFile {
  /** Writes all parts at the end. After a rejection any part of them may be there. */
  append(parts: readonly Uint8Array[]): Promise<void>;
  /**
   * The same with O_DSYNC: what is written here, and nothing written before by `append`, is on the medium when it resolves. One call of
   * the system instead of two, each of which takes longer to be handed to a thread than to be done.
   */
  appendDurably(parts: readonly Uint8Array[]): Promise<void>;
  writeAt(position: number, bytes: Uint8Array): Promise<void>;
  /** The octets from `position` on, put into `into` where it is given; fewer than `length` only where the file ends. */
  readAt(position: number, length: number, into?: Buffer): Promise<Buffer>;
  /** fdatasync: what was written is on the medium when this resolves. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** What of a disk is done to whole files, and so also where no file can be held open, as inside a container. */
export interface WholeFiles {
  list(path: string): Promise<readonly string[]>;
  read(path: string): Promise<Buffer>;
  /** Puts a whole file in place, or nothing; durable when it resolves. Parts may come one after the other into the same memory. */
  replace(path: string, parts: readonly Uint8Array[] | AsyncIterable<Uint8Array>): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
  about(path: string): Promise<{ readonly bytes: number; readonly modifiedAt: Date }>;
}

/** The few things a log asks of its disk, so that tests can make any one of them fail. */
export interface Disk extends WholeFiles {
  /** Makes a directory and those above it, 0700; durable when it resolves. */
  makeDirectory(path: string): Promise<void>;
  /** A new empty file, 0600, for appending and reading; rejects where there is one. */
  create(path: string): Promise<DiskFile>;
  open(path: string): Promise<DiskFile>;
  /** For reading and for writing at positions; made where there is none. */
  openForUpdate(path: string): Promise<DiskFile>;
  touch(path: string, at: Date): Promise<void>;
  /** Octets an unprivileged user may still write to the file system of `path`. */
  freeBytes(path: string): Promise<number>;
}

const { O_RDWR, O_WRONLY, O_CREAT, O_APPEND, O_DSYNC } = constants;

export const systemDisk: Disk = {
  makeDirectory: async (path) => {
    const first = await mkdir(path, { recursive: true, mode: 0o700 });
    if (first !== undefined) await syncAbove(path, dirname(first));
  },
  list: (path) => readdir(path),
  create,
  open: async (path) => wrap(await open(path, 'r')),
  openForUpdate: async (path) => wrap(await open(path, O_RDWR | O_CREAT, 0o600)),
  read: (path) => readFile(path),
  replace,
  rename,
  remove: (path) => rm(path, { force: true }),
  syncDirectory,
  about: async (path) => {
    const { size, mtime } = await stat(path);
    return { bytes: size, modifiedAt: mtime };
  },
  touch: (path, at) => utimes(path, at, at),
  freeBytes: async (path) => {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  },
};

/** A new directory lasts when those above it are synced, up to the one that was there before. */
async function syncAbove(path: string, last: string): Promise<void> {
  const above = dirname(path);
  await syncDirectory(above);
  if (above !== last && above !== dirname(above)) await syncAbove(above, last);
}

async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r');
  await directory.sync();
}

async function create(path: string): Promise<DiskFile> {
  const handle = await open(path, 'ax+', 0o600);
  try {
    const durable = await open(path, O_WRONLY | O_APPEND | O_DSYNC);
    return {
      ...wrap(handle),
      appendDurably: (parts) => writeAll(durable, parts),
      close: async () => {
        await Promise.all([durable.close(), handle.close()]);
      },
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function wrap(handle: FileHandle): DiskFile {
  return {
    append: (parts) => writeAll(handle, parts),
    appendDurably: async (parts) => {
      await writeAll(handle, parts);
      await dataSync(handle.fd);
    },
    writeAt: async (position, bytes) => {
      await handle.write(bytes, 0, bytes.length, position);
    },
    readAt: async (position, length, bytes = Buffer.allocUnsafe(length)) => {
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await handle.read(bytes, filled, length - filled, position + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return bytes.subarray(0, filled);
    },
    sync: () => dataSync(handle.fd),
    close: () => handle.close(),
  };
}

async function writeAll(handle: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  let left = parts;
  while (left.length > 0) left = after(left, await writeParts(handle.fd, left));
}

// The two calls on the way of every accepted message are made without the promises of a FileHandle, which cost as much as the calls.
function writeParts(fd: number, parts: readonly Uint8Array[]): Promise<number> {
  return new Promise((resolve, reject) => {
    writev(fd, parts, (error, written) => (error ? reject(error) : resolve(written)));
  });
}

function dataSync(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fdatasync(fd, (error) => (error ? reject(error) : resolve()));
  });
}

/** What is left of the parts when so many octets of them were written. */
function after(parts: readonly Uint8Array[], written: number): readonly Uint8Array[] {
  let skip = written;
  const whole = parts.findIndex((part) => {
    if (skip < part.length) return true;
    skip -= part.length;
    return false;
  });
  if (whole < 0) return [];
  return parts.slice(whole).map((part, index) => (index === 0 ? part.subarray(skip) : part));
}

async function replace(path: string, parts: Parameters<Disk['replace']>[1]): Promise<void> {
  const draft = `${path}.new`;
  {
    await using handle = await open(draft, 'w', 0o600);
    if (Array.isArray(parts)) await writeAll(handle, parts);
    else for await (const part of parts) await writeAll(handle, [part]);
    await handle.sync();
  }
  await rename(draft, path);
  await syncDirectory(dirname(path));
}
