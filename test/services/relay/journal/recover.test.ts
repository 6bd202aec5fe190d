import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { type Disk, systemDisk } from '../../../../src/adapters/disk.ts';
import { encodeSubmission } from '../../../../src/domain/submission-codec.ts';
import { pieceBytes } from '../../../../src/services/relay/octets.ts';
import { openTestJournal, readIds, submission, temporaryDirectory } from './fixture.ts';

const config = { RELAY_JOURNAL_SEGMENT_BYTES: 50_000_000 };
const largest = 2 * pieceBytes;
const sent = Array.from({ length: 60 }, (_, number) => submission(number, number === 30 ? largest : 30_000));
const ids = sent.map(({ id }) => id);
let end = 0;
const ends = sent.map((one) => (end += 16 + encodeSubmission(one).length));

/** The open segment of a relay that was killed: longer than many pieces. */
async function crashImage() {
  await using directory = await temporaryDirectory();
  const { journal } = await openTestJournal(directory.path, { config });
  for (const one of sent) await journal.append(one);
  const name = (await readdir(directory.path)).find((file) => file.endsWith('.open')) ?? '';
  const bytes = await readFile(join(directory.path, name));
  await journal.close();
  return { name, bytes };
}

/** A disk that notes how much was read at once. */
function noting(): { readonly disk: Disk; readonly most: () => number } {
  let most = 0;
  const open: Disk['open'] = async (path) => {
    const file = await systemDisk.open(path);
    const readAt: typeof file.readAt = (position, length, into) => {
      most = Math.max(most, length);
      return file.readAt(position, length, into);
    };
    return { ...file, readAt };
  };
  const read: Disk['read'] = async (path) => {
    const bytes = await systemDisk.read(path);
    most = Math.max(most, bytes.length);
    return bytes;
  };
  return { disk: { ...systemDisk, open, read }, most: () => most };
}

/** What a relay that starts on such a segment finds, and how much of it was read at once. */
async function start(name: string, bytes: Buffer) {
  await using directory = await temporaryDirectory();
  await writeFile(join(directory.path, name), bytes, { mode: 0o600 });
  const { disk, most } = noting();
  const opened = await openTestJournal(directory.path, { config, disk });
  const atOnce = most();
  const found = await readIds(opened.journal);
  const { damaged } = await opened.journal.setAsideCount();
  await opened.journal.close();
  const again = await openTestJournal(directory.path, { config });
  expect(await readIds(again.journal)).toEqual(found);
  await again.journal.close();
  return { found, damaged, atOnce };
}

describe('a start on a long segment that was left open', () => {
  it('reads no more of it at once than its largest record', async () => {
    const { name, bytes } = await crashImage();

    expect(await start(name, bytes)).toEqual({ found: ids, damaged: 0, atOnce: expect.any(Number) });
    expect((await start(name, bytes)).atOnce).toBeLessThan(largest + 1_000);
  });

  it('loses nothing but the unfinished record, wherever in a piece the segment is cut off', async () => {
    const { name, bytes } = await crashImage();
    const edges = [pieceBytes, 3 * pieceBytes, ends[29] ?? 0, ends[30] ?? 0, ends[40] ?? 0];
    for (const length of edges.flatMap((edge) => [edge - 17, edge - 1, edge, edge + 1, edge + 16])) {
      const whole = ends.filter((one) => one <= length).length;
      const { found, damaged } = await start(name, bytes.subarray(0, length));
      expect({ found, damaged }, `cut at ${length}`).toEqual({ found: ids.slice(0, whole), damaged: 0 });
    }
  });

  it.each([1, 8, 12, 15, 2_000])(
    'sets aside the one record whose octet %i is wrong, far behind the first piece',
    async (octet) => {
      const { name, bytes } = await crashImage();
      const copy = Buffer.from(bytes);
      const at = (ends[39] ?? 0) + octet;
      copy[at] = (copy[at] ?? 0) ^ 0x40;
      const { found, damaged } = await start(name, copy);

      expect(found).toEqual(ids.filter((_, index) => index !== 40));
      expect(damaged).toBe(1);
    },
  );
});
