import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { encodeSubmission } from '../../src/domain/submission-codec.ts';
import {
  openTestJournal,
  readAll,
  readIds,
  submission,
  temporaryDirectory,
} from '../services/relay/journal/fixture.ts';

const sent = Array.from({ length: 3 }, (_, number) => submission(number, 20 + number));
const ids = sent.map(({ id }) => id);
const ends = sent.map((_, index) =>
  sent.slice(0, index + 1).reduce((sum, one) => sum + 16 + encodeSubmission(one).length, 0),
);

/** What a relay that was killed leaves on its disk: one open segment, with all records. */
async function crashImage(): Promise<{ readonly name: string; readonly bytes: Buffer }> {
  await using directory = await temporaryDirectory();
  const opened = await openTestJournal(directory.path);
  for (const one of sent) await opened.journal.append(one);
  const name = (await readdir(directory.path)).find((file) => file.endsWith('.open')) ?? '';
  const bytes = await readFile(join(directory.path, name));
  await opened.journal.close();
  expect(bytes.length).toBe(ends.at(-1));
  return { name, bytes };
}

async function place(directory: string, name: string, bytes: Buffer): Promise<string> {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, name), bytes, { mode: 0o600 });
  return directory;
}

/** Opens, reads everything, adds one record, and opens once more: what was repaired stays repaired. */
async function recover(directory: string) {
  const more = submission(99);
  const first = await openTestJournal(directory);
  const found = await readAll(first.journal);
  const { damaged } = await first.journal.setAsideCount();
  expect(await first.journal.append(more)).toEqual({ kind: 'stored' });
  await first.journal.close();
  const second = await openTestJournal(directory);
  const again = await readIds(second.journal);
  await second.journal.close();
  expect(again.at(-1)).toBe(more.id);
  expect(second.lines.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
  return { found: again.slice(0, -1), payloads: found.payloads, damaged, lines: first.lines };
}

/** Tries every place, some at a time: most of the time is waiting for the disk. */
async function atEvery(from: number, to: number, attempt: (place: number) => Promise<void>): Promise<void> {
  let next = from;
  const lane = async (): Promise<void> => {
    while (next < to) await attempt(next++);
  };
  await Promise.all(Array.from({ length: 8 }, lane));
}

function warned(lines: readonly { readonly level: string; readonly msg: string }[], words: string): boolean {
  return lines.some(({ level, msg }) => level !== 'info' && msg.includes(words));
}

describe('a journal whose relay was killed or whose disk erred', () => {
  it('loses nothing but the unfinished record, wherever its last segment is cut off', async () => {
    await using directory = await temporaryDirectory();
    const { name, bytes } = await crashImage();
    await atEvery(0, bytes.length + 1, async (length) => {
      const path = await place(join(directory.path, String(length)), name, bytes.subarray(0, length));
      const whole = ends.filter((end) => end <= length).length;
      const recovered = await recover(path);
      expect(recovered.found, `cut at ${length}`).toEqual(ids.slice(0, whole));
      expect(recovered.damaged, `cut at ${length}`).toBe(0);
      expect(warned(recovered.lines, 'ended within a write')).toBe(![0, ...ends].includes(length));
    });
  });

  it('takes space that the file system never filled for an unfinished write', async () => {
    await using directory = await temporaryDirectory();
    const { name, bytes } = await crashImage();
    const recovered = await recover(
      await place(directory.path, name, Buffer.concat([bytes, Buffer.alloc(4096)])),
    );
    expect(recovered.found).toEqual(ids);
    expect(recovered.damaged).toBe(0);
  });

  it('loses none but the record that was hit, whichever octet of the open segment is wrong', async () => {
    await using directory = await temporaryDirectory();
    const { name, bytes } = await crashImage();
    await atEvery(0, bytes.length, async (offset) => {
      const copy = Buffer.from(bytes);
      copy[offset] = (copy[offset] ?? 0) ^ 0x40;
      const hit = ends.findIndex((end) => offset < end);
      const recovered = await recover(await place(join(directory.path, String(offset)), name, copy));
      expect(recovered.found, `at ${offset}`).toEqual(ids.filter((_, index) => index !== hit));
      const isCut = warned(recovered.lines, 'ended within a write');
      expect(recovered.damaged, `at ${offset}`).toBe(isCut ? 0 : 1);
      expect(isCut && hit < sent.length - 1, `at ${offset}`).toBe(false);
    });
  });

  it('sets aside the octets of a damaged record in a sealed segment, alone and once', async () => {
    await using directory = await temporaryDirectory();
    const { name, bytes } = await crashImage();
    const sealed = name.replace('.open', `-${bytes.length}-${sent.length}.sealed`);
    await atEvery(0, bytes.length, async (offset) => {
      const copy = Buffer.from(bytes);
      copy[offset] = (copy[offset] ?? 0) ^ 0x01;
      const hit = ends.findIndex((end) => offset < end);
      const path = await place(join(directory.path, String(offset)), sealed, copy);
      const recovered = await recover(path);
      expect(recovered.found, `at ${offset}`).toEqual(ids.filter((_, index) => index !== hit));
      expect(recovered.damaged).toBe(1);
      expect(warned(recovered.lines, 'damaged and was set aside')).toBe(true);
      const [kept = ''] = await readdir(join(path, 'damaged'));
      const [from, to] = [ends[hit - 1] ?? 0, ends[hit]];
      expect(await readFile(join(path, 'damaged', kept))).toEqual(copy.subarray(from, to));
    });
  });

  it('reads on in the next segment when a sealed one has lost its end, or is gone', async () => {
    await using directory = await temporaryDirectory();
    const { name, bytes } = await crashImage();
    const sealed = name.replace('.open', `-${bytes.length}-${sent.length}.sealed`);
    const next = submission(7);
    const opened = await openTestJournal(directory.path);
    await opened.journal.append(next);
    await opened.journal.close();
    const later = (await readdir(directory.path)).find((file) => file.endsWith('.sealed')) ?? '';
    const content = await readFile(join(directory.path, later));
    const path = await place(join(directory.path, 'cut'), sealed, bytes.subarray(0, (ends[0] ?? 0) + 9));
    await place(path, later.replace('0000000001', '0000000002'), content);
    const recovered = await recover(path);
    expect(recovered.found).toEqual([...ids.slice(0, 1), next.id]);
    expect(recovered.damaged).toBe(1);
    const gone = await place(
      join(directory.path, 'gone'),
      later.replace('0000000001', '0000000009'),
      content,
    );
    expect((await recover(gone)).found).toEqual([next.id]);
  });
});
