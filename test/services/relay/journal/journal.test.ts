import { open, readdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { encodeSubmission } from '../../../../src/domain/submission-codec.ts';
import { origin } from '../../../../src/domain/journal-place.ts';
import {
  datedClock,
  openTestJournal,
  readAll,
  readIds,
  submission,
  temporaryDirectory,
  until,
} from './fixture.ts';

const stored = { kind: 'stored' };

describe('the journal', () => {
  it('gives back every record byte by byte, in order, over many segments', async () => {
    await using directory = await temporaryDirectory();
    await using opened = await openTestJournal(directory.path);
    const sent = Array.from({ length: 60 }, (_, number) => submission(number, number * 37));
    for (const one of sent) expect(await opened.journal.append(one)).toEqual(stored);
    const { payloads } = await readAll(opened.journal);
    expect(payloads.map((payload) => payload.toString('hex'))).toEqual(
      sent.map((one) => Buffer.from(encodeSubmission(one)).toString('hex')),
    );
    expect((await readdir(directory.path)).filter((name) => name.endsWith('.sealed')).length).toBeGreaterThan(
      5,
    );
  });

  it('gives the same after it was closed and opened again, and writes to a new segment', async () => {
    await using directory = await temporaryDirectory();
    const sent = Array.from({ length: 25 }, (_, number) => submission(number));
    {
      await using first = await openTestJournal(directory.path);
      await Promise.all(sent.slice(0, 20).map((one) => first.journal.append(one)));
    }
    await using second = await openTestJournal(directory.path);
    for (const one of sent.slice(20)) await second.journal.append(one);
    expect(await readIds(second.journal)).toEqual(sent.map(({ id }) => id));
  });

  it('reads a record that is larger than what is read at once', async () => {
    await using directory = await temporaryDirectory();
    await using opened = await openTestJournal(directory.path);
    const sent = [submission(1), submission(2, 30_000), submission(3)];
    await Promise.all(sent.map((one) => opened.journal.append(one)));
    expect(await readIds(opened.journal)).toEqual(sent.map(({ id }) => id));
  });

  it('reads no more records at once than it is asked for', async () => {
    await using directory = await temporaryDirectory();
    await using opened = await openTestJournal(directory.path);
    await Promise.all(
      Array.from({ length: 9 }, (_, number) => opened.journal.append(submission(number, 10))),
    );
    const batch = await opened.journal.read(origin, { records: 4, bytes: 100_000 });
    expect(batch.records.length).toBe(4);
    expect(batch.next.record).toBe(4);
  });

  it('keeps how far it is settled, also when it is opened again', async () => {
    await using directory = await temporaryDirectory();
    const sent = Array.from({ length: 30 }, (_, number) => submission(number));
    {
      await using first = await openTestJournal(directory.path);
      await Promise.all(sent.map((one) => first.journal.append(one)));
      const { next } = await first.journal.read(origin, { records: 11, bytes: 100_000 });
      await first.journal.settle(next);
    }
    await using second = await openTestJournal(directory.path);
    expect(await second.journal.backlog()).toMatchObject({ records: 19, oldest: sent[11]?.receivedAt });
    expect(await readIds(second.journal, second.journal.settled())).toEqual(
      sent.slice(11).map(({ id }) => id),
    );
  });

  it('knows how much is not settled and how old it is', async () => {
    await using directory = await temporaryDirectory();
    await using opened = await openTestJournal(directory.path);
    expect(await opened.journal.backlog()).toEqual({ records: 0, bytes: 0 });
    const sent = [submission(1, 50), submission(2, 60)];
    for (const one of sent) await opened.journal.append(one);
    const bytes = sent.reduce((sum, one) => sum + 16 + encodeSubmission(one).length, 0);
    expect(await opened.journal.backlog()).toEqual({ records: 2, bytes, oldest: sent[0]?.receivedAt });
    await opened.journal.settle((await readAll(opened.journal)).next);
    expect(await opened.journal.backlog()).toEqual({ records: 0, bytes: 0 });
  });

  it('counts nothing as waiting when all is settled, although a record of it was damaged', async () => {
    await using directory = await temporaryDirectory();
    {
      await using first = await openTestJournal(directory.path);
      await Promise.all([1, 2, 3].map((number) => first.journal.append(submission(number))));
    }
    const [name = ''] = (await readdir(directory.path)).filter((file) => file.endsWith('.sealed'));
    {
      await using segment = await open(join(directory.path, name), 'r+');
      await segment.write(Buffer.from([0xff]), 0, 1, 300);
    }
    await using second = await openTestJournal(directory.path);
    const { payloads, next } = await readAll(second.journal);
    expect(payloads).toHaveLength(2);
    await second.journal.settle(next);
    expect(await second.journal.backlog()).toEqual({ records: 0, bytes: 0 });
    expect(await second.journal.setAsideCount()).toEqual({ refused: 0, damaged: 1 });
  });

  it('is full at its limit and takes more when the api has taken some', async () => {
    await using directory = await temporaryDirectory();
    const one = submission(1, 100);
    const size = encodeSubmission(one).length + 16;
    await using opened = await openTestJournal(directory.path, {
      config: { RELAY_JOURNAL_MAX_BYTES: 3 * size },
    });
    const ends = await Promise.all(Array.from({ length: 5 }, () => opened.journal.append(one)));
    expect(ends.map(({ kind }) => kind)).toEqual(['stored', 'stored', 'stored', 'full', 'full']);
    expect(opened.journal.fullness()).toContain('holds its');
    const { next } = await opened.journal.read(origin, { records: 1, bytes: 10_000 });
    await opened.journal.settle(next);
    expect(await opened.journal.append(one)).toEqual(stored);
    expect(await readIds(opened.journal)).toHaveLength(4);
  });

  it('is full when the disk nearly is', async () => {
    await using directory = await temporaryDirectory();
    await using opened = await openTestJournal(directory.path, {
      config: { RELAY_JOURNAL_MIN_FREE: Number.MAX_SAFE_INTEGER },
    });
    expect(await opened.journal.append(submission(1))).toMatchObject({ kind: 'full' });
    expect(opened.journal.fullness()).toContain('free on the journal');
  });

  it('wakes who waits for a record, and who stops waiting', async () => {
    await using directory = await temporaryDirectory();
    await using opened = await openTestJournal(directory.path);
    const never = new AbortController();
    const woken = opened.journal.whenBeyond(origin, never.signal);
    const stop = new AbortController();
    const stopped = opened.journal.whenBeyond({ ...origin, segment: 99 }, stop.signal);
    const ends: string[] = [];
    const noted = [woken.then(() => ends.push('woken')), stopped.then(() => ends.push('stopped'))];
    expect(ends).toEqual([]);
    await opened.journal.append(submission(1));
    await noted[0];
    expect(ends).toEqual(['woken']);
    stop.abort();
    await Promise.all(noted);
    await expect(opened.journal.whenBeyond(origin, never.signal)).resolves.toBeUndefined();
  });

  it('takes nothing after it was closed', async () => {
    await using directory = await temporaryDirectory();
    const opened = await openTestJournal(directory.path);
    await opened.journal.append(submission(1));
    await Promise.all([opened.journal.close(), opened.journal.close()]);
    expect(await opened.journal.append(submission(2))).toMatchObject({ kind: 'failed' });
  });

  it('finishes what waits when it is closed', async () => {
    await using directory = await temporaryDirectory();
    const first = await openTestJournal(directory.path);
    const ends = Array.from({ length: 20 }, (_, number) => first.journal.append(submission(number)));
    await first.journal.close();
    expect(new Set((await Promise.all(ends)).map(({ kind }) => kind))).toEqual(new Set(['stored']));
    await using second = await openTestJournal(directory.path);
    expect(await readIds(second.journal)).toHaveLength(20);
  });

  it('leaves no file behind for a segment that nothing was written to', async () => {
    await using directory = await temporaryDirectory();
    for (let time = 0; time < 3; time += 1) await (await openTestJournal(directory.path)).journal.close();
    expect((await readdir(directory.path)).filter((name) => /open|sealed/.test(name))).toEqual([]);
  });

  it('keeps its files to itself, but for the card that says who has the directory', async () => {
    await using directory = await temporaryDirectory();
    await using opened = await openTestJournal(join(directory.path, 'deeper'));
    await opened.journal.append(submission(1));
    const names = await readdir(join(directory.path, 'deeper'), { withFileTypes: true });
    const modes = await Promise.all(
      names
        .filter((entry) => entry.isFile() && entry.name !== 'owner.json')
        .map(async ({ name }) => (await stat(join(directory.path, 'deeper', name))).mode & 0o777),
    );
    expect(modes.length).toBeGreaterThan(1);
    expect(new Set(modes)).toEqual(new Set([0o600]));
    expect((await stat(join(directory.path, 'deeper'))).mode & 0o777).toBe(0o700);
  });

  it('ships everything kept again rather than nothing when its progress is unreadable', async () => {
    await using directory = await temporaryDirectory();
    {
      await using first = await openTestJournal(directory.path);
      await Promise.all([1, 2, 3].map((number) => first.journal.append(submission(number))));
      await first.journal.settle((await readAll(first.journal)).next);
    }
    await truncate(join(directory.path, 'progress'), 5);
    await using second = await openTestJournal(directory.path);
    expect((await second.journal.backlog()).records).toBe(3);
  });

  it('uses the older progress when the newer was torn', async () => {
    await using directory = await temporaryDirectory();
    {
      await using first = await openTestJournal(directory.path);
      await Promise.all([1, 2, 3].map((number) => first.journal.append(submission(number))));
      for (const records of [1, 1]) {
        const { next } = await first.journal.read(first.journal.settled(), { records, bytes: 10_000 });
        await first.journal.settle(next);
      }
    }
    {
      await using progress = await open(join(directory.path, 'progress'), 'r+');
      await progress.write(Buffer.alloc(9), 0, 9, 7);
    }
    await using second = await openTestJournal(directory.path);
    expect((await second.journal.backlog()).records).toBe(2);
  });
});

async function settledSegments(directory: string, config: object, moveMs: number): Promise<number> {
  const time = datedClock(new Date('2027-01-01T00:00:00Z'));
  await using opened = await openTestJournal(directory, { config, clock: time.clock });
  for (let number = 0; number < 40; number += 1) await opened.journal.append(submission(number, 300));
  await opened.journal.settle((await readAll(opened.journal)).next);
  const segments = async () => (await readdir(directory)).filter((name) => /open|sealed/.test(name)).length;
  const before = await segments();
  time.move(moveMs);
  await until('segments are removed', async () => (await segments()) < before);
  return segments();
}

describe('what the journal keeps of what the api has', () => {
  it('is removed when it is old, the segment in use included', async () => {
    await using directory = await temporaryDirectory();
    expect(await settledSegments(directory.path, {}, 3_600_001)).toBeLessThan(5);
  });

  it('is removed from its oldest on when it is too much', async () => {
    await using directory = await temporaryDirectory();
    expect(await settledSegments(directory.path, { RELAY_JOURNAL_KEEP_BYTES: 9_000 }, 0)).toBeLessThan(5);
  });

  it('stays when the api has not got it, however old it is', async () => {
    await using directory = await temporaryDirectory();
    const time = datedClock(new Date('2027-01-01T00:00:00Z'));
    await using opened = await openTestJournal(directory.path, {
      clock: time.clock,
      config: { RELAY_JOURNAL_KEEP_BYTES: 0 },
    });
    const sent = Array.from({ length: 40 }, (_, number) => submission(number, 300));
    for (const one of sent) await opened.journal.append(one);
    const half = await opened.journal.read(origin, { records: 20, bytes: 1_000_000 });
    await opened.journal.settle(half.next);
    time.move(100 * 3_600_000);
    await until('what is settled is gone', async () => {
      const names = await readdir(directory.path);
      return !names.some((name) => name.startsWith('0000000001-'));
    });
    expect(await readIds(opened.journal, opened.journal.settled())).toEqual(
      sent.slice(half.records.length).map(({ id }) => id),
    );
  });

  it('can be shipped again since a time, and does not make the journal full', async () => {
    await using directory = await temporaryDirectory();
    const time = datedClock(new Date('2027-01-01T00:00:00Z'));
    const sent = Array.from({ length: 30 }, (_, number) => submission(number, 300));
    const config = { RELAY_JOURNAL_MAX_BYTES: 4_000 };
    await using opened = await openTestJournal(directory.path, { clock: time.clock, config });
    const marks: Date[] = [];
    for (const one of sent) {
      expect(await opened.journal.append(one)).toEqual(stored);
      marks.push(time.clock.now());
      await opened.journal.settle((await readAll(opened.journal, opened.journal.settled())).next);
      time.move(1_000);
    }
    const start = await opened.journal.rewind(marks[17] ?? new Date(0));
    const again = await readIds(opened.journal, start);
    expect(again).toEqual(sent.slice(sent.length - again.length).map(({ id }) => id));
    expect(again.length).toBeGreaterThanOrEqual(13);
    expect(again.length).toBeLessThan(13 + 8);
    const { next } = await opened.journal.read(start, { records: 1, bytes: 10_000 });
    await opened.journal.settle(next);
    const more = Array.from({ length: 5 }, (_, number) => submission(31 + number, 300));
    expect(await Promise.all(more.map((one) => opened.journal.append(one)))).toEqual(more.map(() => stored));
    expect(await opened.journal.rewind(new Date(time.clock.now().getTime() + 1))).toEqual(next);
  });
});
