import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { type Disk, systemDisk } from '../../src/adapters/disk.ts';
import { OperatorError } from '../../src/domain/failure.ts';
import type { Submission } from '../../src/domain/submission.ts';
import type { Accepted, Journal } from '../../src/services/relay/journal/journal.ts';
import { origin } from '../../src/domain/journal-place.ts';
import {
  openTestJournal,
  readIds,
  streamed,
  submission,
  temporaryDirectory,
  until,
} from '../services/relay/journal/fixture.ts';
import { type Fault, faultyDisk, type FaultyDisk } from './faulty-disk.ts';

interface Told {
  readonly stored: string[];
  readonly failed: string[];
  /** What the process itself could read in the end, if reading worked. */
  seen: readonly string[] | undefined;
}

const config = {
  RELAY_JOURNAL_SEGMENT_BYTES: 700,
  RELAY_JOURNAL_KEEP: 1,
  RELAY_JOURNAL_UPKEEP_INTERVAL: 3_600_000,
};

/** A life of a journal that touches everything it does with its disk: groups, segments, progress, a refused record. */
async function live(directory: string, { disk }: FaultyDisk): Promise<Told> {
  const told: Told = { stored: [], failed: [], seen: undefined };
  const opened = await openTestJournal(directory, { disk, config });
  const { journal } = opened;
  for (let group = 0; group < 4; group += 1) {
    const sent = [0, 1, 2].map((number) => kept(submission(group * 3 + number, 60), number));
    const ends = await Promise.all(sent.map((one) => journal.append(one)));
    ends.forEach((end, index) =>
      (end.kind === 'stored' ? told.stored : told.failed).push(sent[index]?.id ?? ''),
    );
  }
  told.seen = await readIds(journal).catch(() => undefined);
  await shipOne(journal).catch(() => undefined);
  await journal.close();
  return told;
}

/** One of each group comes in pieces, as a message that is too large for memory. */
function kept(one: Submission, number: number): Accepted {
  return number === 1 ? streamed(one, 20) : one;
}

async function shipOne(journal: Journal): Promise<void> {
  const { records, next } = await journal.read(origin, { records: 1, bytes: 1_000 });
  const [record] = records;
  if (record) await journal.setAside(record, 'refused');
  await journal.settle(next);
}

async function leftovers(directory: string): Promise<readonly string[]> {
  const opened = await openTestJournal(directory, { config });
  try {
    return await readIds(opened.journal);
  } finally {
    await opened.journal.close();
  }
}

async function countCalls(): Promise<number> {
  await using directory = await temporaryDirectory();
  const faulty = faultyDisk(systemDisk);
  const told = await live(directory.path, faulty);
  expect(told).toMatchObject({ failed: [] });
  expect(told.seen).toEqual(told.stored);
  return faulty.calls.length;
}

async function attempt(
  fault: Fault,
): Promise<{ told: Told | undefined; left: readonly string[]; lies: readonly string[] }> {
  await using directory = await temporaryDirectory();
  const faulty = faultyDisk(systemDisk, fault);
  const told = await live(directory.path, faulty).catch((error: unknown) => {
    if (error instanceof OperatorError) return undefined;
    throw new Error(`call ${fault.at}, ${faulty.calls.at(-1)}, broke it`, { cause: error });
  });
  return { told, left: await leftovers(directory.path), lies: faulty.lies };
}

describe.each(['EIO', 'ENOSPC'] as const)('a journal whose disk gives %s', (code) => {
  it.each([
    ['once, at any call', false, false],
    ['once, in the middle of a write', false, true],
    ['from any call on', true, true],
  ])('%s, never says stored of what is not there', async (_, lasts, isTorn) => {
    const calls = await countCalls();
    for (let at = 1; at <= calls; at += 1) {
      const { told, left, lies } = await attempt({ code, at, lasts, isTorn });
      expect(left, `call ${at}`).toEqual(expect.arrayContaining(told?.stored ?? []));
      expect(lies, `call ${at}`).toEqual([]);
      const shipped = [...(told?.seen ?? []), ...(lasts ? [] : left)];
      expect(
        shipped.filter((id) => told?.failed.includes(id)),
        `call ${at}`,
      ).toEqual([]);
    }
  });
});

describe('a journal whose write failed', () => {
  const failing = (what: string, calls: readonly string[]) =>
    calls.findIndex((call) => call.startsWith(what)) + 1;

  it.each(['append', 'sync'])(
    'tells all who wait when the %s failed, and takes the next group',
    async (what) => {
      await using measured = await temporaryDirectory();
      const clean = faultyDisk(systemDisk);
      await live(measured.path, clean);
      const isSegment = (call: string) => call.startsWith(`${what} 0000000001-`);
      const at = clean.calls.findIndex(isSegment) + 1;
      await using directory = await temporaryDirectory();
      const faulty = faultyDisk(systemDisk, { code: 'EIO', at, lasts: false, isTorn: true });
      const told = await live(directory.path, faulty);
      expect(told.failed).toHaveLength(3);
      expect(told.stored).toHaveLength(9);
      expect(told.seen).toEqual(told.stored);
      expect(faulty.lies).toEqual([]);
    },
  );

  it('does not ship after a restart what it told its client to send again', async () => {
    await using directory = await temporaryDirectory();
    const first = submission(1);
    const second = submission(2);
    const clean = faultyDisk(systemDisk);
    const failOn = { armed: false };
    const disk = {
      ...clean.disk,
      create: async (path: string) => {
        const file = await clean.disk.create(path);
        return {
          ...file,
          appendDurably: async (parts: readonly Uint8Array[]) => {
            if (!failOn.armed) return file.appendDurably(parts);
            await file.append(parts);
            throw Object.assign(new Error('EIO: sync'), { code: 'EIO' });
          },
        };
      },
    };
    const opened = await openTestJournal(directory.path, { disk });
    expect(await opened.journal.append(first)).toEqual({ kind: 'stored' });
    failOn.armed = true;
    expect(await opened.journal.append(second)).toEqual({ kind: 'failed', why: 'EIO: sync' });
    const [segment = ''] = (await readdir(directory.path)).filter((name) => name.startsWith('0000000001-'));
    expect((await systemDisk.read(join(directory.path, segment))).includes(second.id)).toBe(true);
    await opened.journal.close();
    expect(await leftovers(directory.path)).toEqual([first.id]);
  });

  it('seals later what it could not seal at once', async () => {
    await using directory = await temporaryDirectory();
    const real = faultyDisk(systemDisk).disk;
    let failures = 2;
    const disk = {
      ...real,
      rename: async (from: string, to: string) => {
        if (failures-- > 0) throw new Error('EIO: rename');
        return real.rename(from, to);
      },
    };
    const opened = await openTestJournal(directory.path, {
      disk,
      config: { RELAY_JOURNAL_SEGMENT_BYTES: 100, RELAY_JOURNAL_UPKEEP_INTERVAL: 5 },
    });
    const sent = [1, 2, 3, 4].map((number) => submission(number));
    for (const one of sent) await opened.journal.append(one);
    const open = async () => (await readdir(directory.path)).filter((name) => name.endsWith('.open'));
    await until('only the last segment is open', async () => (await open()).length === 1);
    expect(await readIds(opened.journal)).toEqual(sent.map(({ id }) => id));
    await opened.journal.close();
  });

  it('syncs the directory of a new segment before it says that anything in it is stored', async () => {
    await using directory = await temporaryDirectory();
    const { disk, calls } = faultyDisk(systemDisk);
    const opened = await openTestJournal(directory.path, { disk });
    const before = calls.length;
    await opened.journal.append(submission(1));
    expect(calls.slice(before).map((call) => call.split(' ')[0])).toEqual([
      'create',
      'syncDirectory',
      'append',
      'sync',
    ]);
    await opened.journal.close();
  });

  it('says which call failed when it cannot be opened', async () => {
    await using measured = await temporaryDirectory();
    const clean = faultyDisk(systemDisk);
    await live(measured.path, clean);
    await using directory = await temporaryDirectory();
    const at = failing('openForUpdate', clean.calls);
    const { disk } = faultyDisk(systemDisk, { code: 'EIO', at, lasts: false, isTorn: false });
    await expect(openTestJournal(directory.path, { disk })).rejects.toMatchObject({
      code: 'unreachable',
      field: 'RELAY_JOURNAL_DIR',
      cause: { message: 'EIO: openForUpdate' },
    });
    expect(await leftovers(directory.path)).toEqual([]);
  });
});

describe('a journal whose medium has lost a page', () => {
  /** A disk that gives EIO for every read that touches the octets from `from` to `to` of any file. */
  function withBadPage(from: number, to: number): Disk {
    return {
      ...systemDisk,
      open: async (path) => {
        const file = await systemDisk.open(path);
        return {
          ...file,
          readAt: async (position, length) => {
            const isHit = position < to && from < position + length;
            if (isHit) throw Object.assign(new Error('EIO: read'), { code: 'EIO' });
            return file.readAt(position, length);
          },
        };
      },
    };
  }

  async function writtenBefore(directory: string): Promise<readonly string[]> {
    const sent = Array.from({ length: 10 }, (_, number) => submission(number, 2_000));
    const opened = await openTestJournal(directory, { config: { RELAY_JOURNAL_SEGMENT_BYTES: 1_000_000 } });
    await Promise.all(sent.map((one) => opened.journal.append(one)));
    await opened.journal.close();
    return sent.map(({ id }) => id);
  }

  it('sets aside only the records in that page', async () => {
    await using directory = await temporaryDirectory();
    const sent = await writtenBefore(directory.path);
    const opened = await openTestJournal(directory.path, { disk: withBadPage(8_192, 12_288) });
    const found = await readIds(opened.journal);
    await opened.journal.close();
    expect(found).toEqual([...sent.slice(0, 3), ...sent.slice(6)]);
    expect(await opened.journal.setAsideCount()).toEqual({ refused: 0, damaged: 1 });
  });

  it('sets aside the last record when the end cannot be read', async () => {
    await using directory = await temporaryDirectory();
    const sent = await writtenBefore(directory.path);
    const opened = await openTestJournal(directory.path, { disk: withBadPage(20_480, 99_999) });
    const found = await readIds(opened.journal);
    await opened.journal.close();
    expect(found).toEqual(sent.slice(0, 9));
  });

  it('judges nothing damaged when the disk gives nothing at all', async () => {
    await using directory = await temporaryDirectory();
    const sent = await writtenBefore(directory.path);
    const opened = await openTestJournal(directory.path, { disk: withBadPage(0, 99_999) });
    await expect(opened.journal.read(origin, { records: 5, bytes: 5_000 })).rejects.toThrow('EIO: read');
    expect(await opened.journal.setAsideCount()).toEqual({ refused: 0, damaged: 0 });
    await opened.journal.close();
    expect(await leftovers(directory.path)).toEqual(sent);
  });
});
