import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { type Disk, type DiskFile, systemDisk } from '../../../../src/adapters/disk.ts';
import { encodeSubmission } from '../../../../src/domain/submission-codec.ts';
import { headerBytes } from '../../../../src/domain/journal-record.ts';
import { origin } from '../../../../src/domain/journal-place.ts';
import { pieceBytes } from '../../../../src/services/relay/octets.ts';
import { openTestJournal, readIds, submission, temporaryDirectory } from './fixture.ts';

const config = { RELAY_JOURNAL_SEGMENT_BYTES: 64 * 1024 ** 2 };

/** A submission whose record has so many octets. */
function ofRecordBytes(number: number, bytes: number) {
  return submission(number, bytes - headerBytes - encodeSubmission(submission(number, 0)).length);
}

/** Overwrites octets of the only segment. */
async function damage(directory: string, at: number): Promise<Buffer> {
  const name = (await readdir(directory)).find((file) => file.startsWith('0000000001-')) ?? '';
  const path = join(directory, name);
  await using file = await open(path, 'r+');
  await file.write(Buffer.from('damage'), 0, 6, at);
  return readFile(path);
}

async function damagedFiles(directory: string): Promise<readonly Buffer[]> {
  const folder = join(directory, 'damaged');
  return Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name))));
}

/** A disk that notes how many octets are read at once, and how many are written at once to a file put in place. */
function countingDisk(): { readonly disk: Disk; readonly largest: { read: number; written: number } } {
  const largest = { read: 0, written: 0 };
  const counting = (file: DiskFile): DiskFile => ({
    ...file,
    readAt: (position, length, into) => {
      largest.read = Math.max(largest.read, length);
      return file.readAt(position, length, into);
    },
  });
  async function* counted(parts: Parameters<Disk['replace']>[1]) {
    for await (const part of parts) {
      largest.written = Math.max(largest.written, part.length);
      yield part;
    }
  }
  const disk: Disk = {
    ...systemDisk,
    create: async (path) => counting(await systemDisk.create(path)),
    open: async (path) => counting(await systemDisk.open(path)),
    replace: (path, parts) => systemDisk.replace(path, counted(parts)),
  };
  return { disk, largest };
}

describe('a stretch of a segment that is no record', () => {
  it('is stepped over with a bounded part of it in memory, and kept octet for octet', async () => {
    await using directory = await temporaryDirectory();
    const { disk, largest } = countingDisk();
    await using opened = await openTestJournal(directory.path, { disk, config });
    const first = ofRecordBytes(1, 500);
    const sent = [first, ofRecordBytes(2, 9 * pieceBytes), ofRecordBytes(3, 700), ofRecordBytes(4, 800)];
    for (const one of sent) await opened.journal.append(one);
    const content = await damage(directory.path, 500);

    expect(await readIds(opened.journal)).toEqual([first.id, sent[2]?.id, sent[3]?.id]);
    const [kept, more] = await damagedFiles(directory.path);
    expect(more).toBeUndefined();
    expect(kept?.equals(content.subarray(500, 500 + 9 * pieceBytes))).toBe(true);
    expect(largest).toEqual({ read: pieceBytes, written: pieceBytes });
  });

  it('ends at the next record, wherever what is read at once ends', async () => {
    for (let more = -10; more <= 10; more += 1) {
      await using directory = await temporaryDirectory();
      await using opened = await openTestJournal(directory.path, { config });
      const next = ofRecordBytes(2, 600);
      await opened.journal.append(ofRecordBytes(1, pieceBytes + more));
      await opened.journal.append(next);
      await damage(directory.path, 0);
      expect(await readIds(opened.journal), `${more} octets more`).toEqual([next.id]);
      expect((await damagedFiles(directory.path)).map(({ length }) => length)).toEqual([pieceBytes + more]);
    }
  });

  it('that reaches to the end of its segment leaves nothing to be read', async () => {
    await using directory = await temporaryDirectory();
    await using opened = await openTestJournal(directory.path, { config });
    await opened.journal.append(ofRecordBytes(1, 3 * pieceBytes));
    await damage(directory.path, 2 * pieceBytes);

    expect((await opened.journal.read(origin, { records: 5, bytes: 1_000 })).records).toEqual([]);
    expect(await opened.journal.setAsideCount()).toEqual({ refused: 0, damaged: 1 });
  });
});
