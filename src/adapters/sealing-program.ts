import type * as Crypto from 'node:crypto';
import type * as Fs from 'node:fs';

import type { Digest } from './written-file.ts';

/** What the program is told, in one line on its third channel: no argument and no environment holds the key. */
export interface SealOrder {
  /** Of the new file, 0600. */
  readonly path: string;
  /** What stands before the sealed octets, as base64. */
  readonly head: string;
  readonly key: string;
  readonly chunkBytes: number;
  readonly tagBytes: number;
  /** Octets that are written and read back at once. */
  readonly pieceBytes: number;
  /** Octets after which the medium is told to take them, while more come. */
  readonly flushBytes: number;
}

/** What the program says on that channel, each in a line. */
export type SealNews =
  | { readonly at: number }
  | { readonly sealed: Digest }
  | { readonly failed: SealFailure };

/** `code` is the system's, or `DIFFERS` where other octets were read back than were written. */
export interface SealFailure {
  readonly code?: string | undefined;
  readonly message: string;
}

/**
 * A program of its own that seals what it reads, in chunks of which each nonce counts and the last is marked, into a new file. Each piece
 * is read from the file again, by its name, and compared as soon as it is written; at the end so is its size. It reads and writes with
 * the same few buffers, waiting for each: as streams of this process the same takes half as much again.
 */
export function sealingProgram(): readonly [string, ...string[]] {
  const parts = [readOrder, newFile, differs, sealInto, sealStdin].map(String);
  return [
    process.execPath,
    '-e',
    `${parts.join('\n')}\nsealStdin(require('node:fs'), require('node:crypto'));`,
  ];
}

// The text of these functions is all that program has: they use nothing but each other and what they are given.

function sealStdin(fs: typeof Fs, crypto: typeof Crypto): void {
  const tell = (news: SealNews) => fs.writeSync(3, `${JSON.stringify(news)}\n`);
  const fail = ({ code, message }: NodeJS.ErrnoException) => {
    process.exitCode = 1;
    tell({ failed: { code, message } });
  };
  try {
    const order = readOrder(fs);
    const file = newFile(fs, order, (at) => tell({ at }));
    const hash = crypto.createHash('sha256');
    sealInto({ put: (octets) => (hash.update(octets), file.put(octets)) }, { fs, crypto, order });
    file.end().then((bytes) => tell({ sealed: { bytes, sha256: hash.digest('hex') } }), fail);
  } catch (error) {
    fail(error as NodeJS.ErrnoException);
  }
}

function readOrder(fs: typeof Fs): SealOrder {
  const octets = Buffer.alloc(65_536);
  let filled = 0;
  while (octets[filled - 1] !== 10) {
    const read = fs.readSync(3, octets, filled, octets.length - filled, null);
    if (read === 0) throw new Error('nobody said what to seal');
    filled += read;
  }
  return JSON.parse(octets.toString('utf8', 0, filled)) as SealOrder;
}

/** Failures of the medium are heard of at the end: the first to ask it hears of each, and of none a second time. */
function newFile(fs: typeof Fs, { path, pieceBytes, flushBytes }: SealOrder, tell: (at: number) => void) {
  const own = fs.openSync(path, 'wx', 0o600);
  const back = fs.openSync(path, 'r');
  const [piece, seen] = [Buffer.allocUnsafeSlow(pieceBytes), Buffer.allocUnsafeSlow(pieceBytes)];
  const flushes: Promise<void>[] = [];
  let [filled, bytes, flushed] = [0, 0, 0];
  const flush = () => {
    flushed = bytes;
    flushes.push(
      new Promise((done, failed) => {
        fs.fsync(own, (error) => (error ? failed(error) : done()));
      }),
    );
  };
  const settle = () => {
    const octets = piece.subarray(0, filled);
    for (let at = 0; at < filled;) at += fs.writeSync(own, octets, at, filled - at, bytes + at);
    const read = fs.readSync(back, seen, 0, filled, bytes);
    if (read !== filled || !seen.subarray(0, filled).equals(octets)) throw differs();
    [bytes, filled] = [bytes + filled, 0];
    if (bytes - flushed >= flushBytes) flush();
    tell(bytes);
  };
  return {
    put: (octets: Buffer) => {
      for (let at = 0; at < octets.length;) {
        const copied = octets.copy(piece, filled, at);
        [at, filled] = [at + copied, filled + copied];
        if (filled === pieceBytes) settle();
      }
    },
    end: async () => {
      settle();
      await Promise.all(flushes);
      fs.fsyncSync(own);
      if (fs.statSync(path).size !== bytes) throw differs();
      return bytes;
    },
  };
}

function differs(): Error {
  return Object.assign(new Error('other octets were read back'), { code: 'DIFFERS' });
}

interface Means {
  readonly fs: typeof Fs;
  readonly crypto: typeof Crypto;
  readonly order: SealOrder;
}

function sealInto(file: { put(octets: Buffer): void }, { fs, crypto, order }: Means): void {
  const { chunkBytes, tagBytes: authTagLength } = order;
  const [key, nonce] = [Buffer.from(order.key, 'base64'), Buffer.alloc(12)];
  const octets = Buffer.allocUnsafeSlow(16 * chunkBytes);
  let [counter, filled] = [0n, 0];
  const seal = (chunk: Buffer, isLast: boolean) => {
    nonce.writeBigUInt64BE(counter, 3);
    nonce[11] = isLast ? 1 : 0;
    counter += 1n;
    const cipher = crypto.createCipheriv('chacha20-poly1305', key, nonce, { authTagLength });
    file.put(cipher.update(chunk));
    cipher.final();
    file.put(cipher.getAuthTag());
  };
  file.put(Buffer.from(order.head, 'base64'));
  for (;;) {
    const read = fs.readSync(0, octets, filled, octets.length - filled, null);
    if (read === 0) break;
    filled += read;
    let at = 0;
    for (; filled - at > chunkBytes; at += chunkBytes) seal(octets.subarray(at, at + chunkBytes), false);
    octets.copyWithin(0, at, filled);
    filled -= at;
  }
  seal(octets.subarray(0, filled), true);
}
