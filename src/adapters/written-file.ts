import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { Writable } from 'node:stream';

import { OperatorError } from '../domain/failure.ts';

/** What a file holds, in short; SHA-256 as hex. */
export interface Digest {
  readonly bytes: number;
  readonly sha256: string;
}

/** A new file that is read back while it is written. */
export interface WrittenFile {
  /** Takes its octets; they are on the medium when it has closed. Fails where there is such a file, and as `check-failed` where others are read back. */
  readonly into: Writable;
  /** Octets that are written and were read back. */
  bytes(): number;
  /** Of all of them; asked for once, when `into` has closed. */
  digest(): Digest;
}

interface Handles {
  readonly own: FileHandle;
  readonly back: FileHandle;
}

/** Makes a file, 0600. Each piece of it is read from it again, by its name, and compared as soon as it is written; at the end so is its size. */
export function writtenFile(path: string, pieceBytes: number): WrittenFile {
  const hash = createHash('sha256');
  const [piece, seen] = [Buffer.allocUnsafe(pieceBytes), Buffer.allocUnsafe(pieceBytes)];
  let [filled, bytes] = [0, 0];
  let files: Handles | undefined;
  const settle = async ({ own, back }: Handles) => {
    const octets = piece.subarray(0, filled);
    hash.update(octets);
    await writeAll(own, octets, bytes);
    const { bytesRead } = await back.read(seen, 0, filled, bytes);
    if (bytesRead !== filled || !seen.subarray(0, filled).equals(octets)) throw notAsWritten(path);
    bytes += filled;
    filled = 0;
  };
  const put = async (handles: Handles, octets: Buffer) => {
    for (let at = 0; at < octets.length;) {
      const copied = octets.copy(piece, filled, at);
      [at, filled] = [at + copied, filled + copied];
      if (filled === pieceBytes) await settle(handles);
    }
  };
  const end = async (handles: Handles) => {
    await settle(handles);
    await handles.own.sync();
    if ((await sizeOf(path)) !== bytes) throw notAsWritten(path);
  };
  const into = new Writable({
    highWaterMark: pieceBytes,
    construct: (done) => void after(async () => void (files = await openBoth(path)), done),
    write: (octets: Buffer, _encoding, done) => void after(async () => files && put(files, octets), done),
    final: (done) => void after(async () => files && end(files), done),
    destroy: (error, done) =>
      void after(
        () => closeBoth(files),
        (failed) => done(error ?? failed ?? null),
      ),
  });
  return { into, bytes: () => bytes, digest: () => ({ bytes, sha256: hash.digest('hex') }) };
}

async function writeAll(file: FileHandle, octets: Buffer, position: number): Promise<void> {
  for (let at = 0; at < octets.length;) {
    const { bytesWritten } = await file.write(octets, at, octets.length - at, position + at);
    at += bytesWritten;
  }
}

async function openBoth(path: string): Promise<Handles> {
  const own = await open(path, 'wx', 0o600);
  return { own, back: await open(path, 'r') };
}

async function closeBoth(files: Handles | undefined): Promise<void> {
  await Promise.all([files?.own.close(), files?.back.close()]);
}

async function sizeOf(path: string): Promise<number> {
  await using there = await open(path, 'r');
  return (await there.stat()).size;
}

async function after(work: () => Promise<unknown>, done: (error?: Error | null) => void): Promise<void> {
  const failed = await work().then(
    () => undefined,
    (error: unknown) => error as Error,
  );
  done(failed);
}

/** What is on the medium is not what was meant. */
export function notAsWritten(path: string): OperatorError {
  return new OperatorError('check-failed', `${path} does not hold what was written to it`, {
    hint: 'Look at the disk that holds it, and run it again',
  });
}
