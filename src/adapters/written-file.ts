import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { Writable } from 'node:stream';

/** What a file holds, in short; SHA-256 as hex. */
export interface Digest {
  readonly bytes: number;
  readonly sha256: string;
}

/** A new file that is read back while it is written. */
export interface WrittenFile {
  /** Takes its octets; they are on the medium when it has closed. Fails where there is such a file, and where what is read back ends early. */
  readonly into: Writable;
  /** What was read back; asked for once, when `into` has closed. */
  readBack(): Digest;
}

/** Makes a file, 0600, whose octets are read from it again, by its name, as soon as they are written. At the end its size must be theirs. */
export function writtenFile(path: string, pieceBytes: number): WrittenFile {
  const hash = createHash('sha256');
  const piece = Buffer.allocUnsafe(pieceBytes);
  let [written, bytes] = [0, 0];
  let files: { readonly own: FileHandle; readonly back: FileHandle } | undefined;
  const put = async ({ own, back }: NonNullable<typeof files>, octets: Buffer) => {
    for (let at = 0; at < octets.length;) {
      const { bytesWritten } = await own.write(octets, at, octets.length - at, written);
      [at, written] = [at + bytesWritten, written + bytesWritten];
    }
    while (bytes < written) {
      const { bytesRead } = await back.read(piece, 0, Math.min(pieceBytes, written - bytes), bytes);
      if (bytesRead === 0) throw endsEarly(path);
      hash.update(piece.subarray(0, bytesRead));
      bytes += bytesRead;
    }
  };
  const into = new Writable({
    highWaterMark: pieceBytes,
    construct: (done) => void after(async () => void (files = await openBoth(path)), done),
    write: (octets: Buffer, _encoding, done) => void after(async () => files && put(files, octets), done),
    writev: (chunks, done) => void after(async () => files && put(files, joined(chunks)), done),
    final: (done) => void after(async () => files && settle(files.own, path, written), done),
    destroy: (error, done) =>
      void after(
        () => closeBoth(files),
        (failed) => done(error ?? failed ?? null),
      ),
  });
  return { into, readBack: () => ({ bytes, sha256: hash.digest('hex') }) };
}

function joined(chunks: readonly { readonly chunk: Buffer }[]): Buffer {
  return Buffer.concat(chunks.map(({ chunk }) => chunk));
}

async function openBoth(path: string): Promise<{ readonly own: FileHandle; readonly back: FileHandle }> {
  const own = await open(path, 'wx', 0o600);
  return { own, back: await open(path, 'r') };
}

async function closeBoth(files: { readonly own: FileHandle; readonly back: FileHandle } | undefined) {
  await Promise.all([files?.own.close(), files?.back.close()]);
}

async function settle(own: FileHandle, path: string, written: number): Promise<void> {
  await own.sync();
  await using there = await open(path, 'r');
  if ((await there.stat()).size !== written) throw endsEarly(path);
}

async function after(work: () => Promise<unknown>, done: (error?: Error | null) => void): Promise<void> {
  const failed = await work().then(
    () => undefined,
    (error: unknown) => error as Error,
  );
  done(failed);
}

function endsEarly(path: string): Error {
  return new Error(`${path} does not hold all that was written to it`);
}
