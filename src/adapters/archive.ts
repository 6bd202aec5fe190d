import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  chmod,
  chown,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  statfs,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Readable, Transform } from 'node:stream';

import { type Digest, type WrittenFile, writtenFile } from './written-file.ts';

/**
 * The folder of sets, as far as backups need it. Every method rejects with the system's error. What root makes belongs to the owner of the
 * folder that it is in: the scheduler of a stack is not root, and proves and prunes what a command of the host has taken.
 */
export interface Archive {
  /** A new file, 0600, that is read back as it is written; fails where there is one. */
  write(path: string): WrittenFile;
  /** The octets from `from` on. */
  read(path: string, from?: number): Readable;
  /** Reads a file whole; its octets and SHA-256, as hex. Rejects with the signal's reason when that is aborted. */
  digest(path: string, signal: AbortSignal): Promise<Digest>;
  /** The whole of a small file; undefined when there is none. */
  text(path: string): Promise<string | undefined>;
  /** Puts a small file in place whole or not at all, 0600. */
  replace(path: string, content: string): Promise<void>;
  size(path: string): Promise<number>;
  /** Names in a folder; none where there is no folder. */
  list(path: string): Promise<readonly string[]>;
  makeFolder(path: string): Promise<void>;
  /** Gives a folder its final name; durable when it resolves. */
  publish(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Octets that may still be written. */
  freeBytes(path: string): Promise<number>;
  /** Counts what passes in a stream, which costs next to nothing. */
  meter(): Meter;
}

/** Octets of a file that are read at once. */
const highWaterMark = 512 * 1024;

/** Octets that are written and read back at once. */
const pieceBytes = 1024 * 1024;

export const systemArchive: Archive = {
  write: (path) => writtenFile(path, pieceBytes),
  read: (path, from = 0) => createReadStream(path, { start: from, highWaterMark }),
  digest: async (path, signal) => {
    await using file = await open(path, 'r');
    const piece = Buffer.allocUnsafe(highWaterMark);
    const hash = createHash('sha256');
    for (let bytes = 0; ;) {
      signal.throwIfAborted();
      const { bytesRead } = await file.read(piece, 0, piece.length, bytes);
      if (bytesRead === 0) return { bytes, sha256: hash.digest('hex') };
      hash.update(piece.subarray(0, bytesRead));
      bytes += bytesRead;
    }
  },
  text: (path) => readFile(path, 'utf8').catch(absent),
  replace: async (path, content) => {
    await writeFile(`${path}.new`, content, { mode: 0o600, flush: true });
    await leaveToOwner(`${path}.new`);
    await rename(`${path}.new`, path);
    await syncFolder(dirname(path));
  },
  size: async (path) => (await stat(path)).size,
  list: async (path) => (await readdir(path).catch(absent)) ?? [],
  makeFolder: async (path) => {
    const made = await mkdir(path, { recursive: true, mode: 0o700 });
    if (made === undefined) return;
    await chmod(path, 0o700);
    await leaveToOwner(path);
  },
  publish: async (from, to) => {
    for (const name of await readdir(from)) await leaveToOwner(join(from, name));
    await syncFolder(from);
    await rename(from, to);
    await syncFolder(dirname(to));
  },
  remove: (path) => rm(path, { recursive: true, force: true }),
  freeBytes: async (path) => {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  },
  meter,
};

/** Counts what passes. */
export interface Meter {
  readonly through: Transform;
  bytes(): number;
  /** The last octets that passed. */
  tail(): Buffer;
}

const tailBytes = 256;

function meter(): Meter {
  let bytes = 0;
  let tail = Buffer.alloc(0);
  const through = new Transform({
    highWaterMark,
    transform(piece: Buffer, _encoding, done) {
      bytes += piece.length;
      tail = Buffer.concat(piece.length >= tailBytes ? [piece.subarray(-tailBytes)] : [tail, piece]).subarray(
        -tailBytes,
      );
      done(null, piece);
    },
  });
  return { through, bytes: () => bytes, tail: () => tail };
}

function absent(cause: unknown): undefined {
  if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
  throw cause;
}

async function leaveToOwner(path: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await stat(dirname(path));
  if (uid !== 0) await chown(path, uid, gid);
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r');
  await folder.sync();
}
