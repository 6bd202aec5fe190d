import { type FileHandle, open, unlink } from 'node:fs/promises';

/** A file without a name: it is gone when it is closed, and when the process dies. */
export interface Spill {
  append(parts: readonly Buffer[]): Promise<void>;
  /** Fills `target` with what stands from octet `from` on. */
  read(target: Buffer, from: number): Promise<void>;
  /** Never rejects: a disk that errs here has nothing left that anybody wants. */
  close(): Promise<void>;
}

/** Opens an empty file, readable by nobody else, which has had this path for a moment; rejects with the error of the disk. */
export async function openSpill(path: string): Promise<Spill> {
  const file = await open(path, 'wx+', 0o600);
  await unlink(path).catch(async (why: unknown) => {
    await file.close();
    throw why;
  });
  return {
    append: (parts) => writeAll(file, parts),
    read: (target, from) => readAll(file, target, from),
    close: () => file.close().catch(() => undefined),
  };
}

async function writeAll(file: FileHandle, parts: readonly Buffer[]): Promise<void> {
  const total = parts.reduce((sum, part) => sum + part.length, 0);
  const { bytesWritten } = await file.writev([...parts]);
  if (bytesWritten === total) return;
  await file.appendFile(Buffer.concat(parts).subarray(bytesWritten));
}

async function readAll(file: FileHandle, target: Buffer, from: number): Promise<void> {
  let filled = 0;
  while (filled < target.length) {
    const { bytesRead } = await file.read(target, filled, target.length - filled, from + filled);
    if (bytesRead === 0) throw new Error(`the spill file ends ${target.length - filled} octets early`);
    filled += bytesRead;
  }
}
