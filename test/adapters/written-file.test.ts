import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { expect, it } from 'vitest';

import { writtenFile } from '../../src/adapters/written-file.ts';
import { temporaryFolder } from '../cli/folders.ts';

const pieces = (count: number) => Array.from({ length: count }, () => randomBytes(8192));

it('a file holds what was written, for its owner alone, and all of it is read back', async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, 'file');
  const octets = pieces(50);
  const file = writtenFile(path, 4096);
  await pipeline(Readable.from(octets), file.into);

  const whole = Buffer.concat(octets);
  expect(readFileSync(path).equals(whole)).toBe(true);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const sha256 = createHash('sha256').update(whole).digest('hex');
  expect(file.digest()).toEqual({ bytes: whole.length, sha256 });
});

it('a file that is there already is left as it is', async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, 'file');
  writeFileSync(path, 'before');
  const writing = pipeline(Readable.from(pieces(1)), writtenFile(path, 4096).into);
  await expect(writing).rejects.toMatchObject({ code: 'EEXIST' });
  expect(readFileSync(path, 'utf8')).toBe('before');
});

it('a file that is cut while it is written fails', async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, 'file');
  const cut = async function* () {
    yield* pieces(3);
    yield await new Promise<Buffer>((resolve) => {
      setImmediate(() => resolve(randomBytes(8192)));
    });
    truncateSync(path, 5);
  };
  await expect(pipeline(cut, writtenFile(path, 4096).into)).rejects.toMatchObject({ code: 'check-failed' });
});
