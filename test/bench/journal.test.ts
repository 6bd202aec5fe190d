import { open } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { type Disk, systemDisk } from '../../src/adapters/disk.ts';
import type { Submission } from '../../src/domain/submission.ts';
import { encodeSubmission } from '../../src/domain/submission-codec.ts';
import type { Journal } from '../../src/services/relay/journal/journal.ts';
import { origin } from '../../src/domain/journal-place.ts';
import { openTestJournal, submission, temporaryDirectory } from '../services/relay/journal/fixture.ts';
import { median, report, type Row, toy } from './report.ts';

const rounds = toy ? 1 : 5;
const octets = toy ? 500_000 : 60_000_000;
/** Far below what was measured (0.35 to 0.86 on a busy machine): a change that costs a multiple is caught, noise is not. */
const leastRatio = toy ? 0 : 0.15;
const config = { RELAY_JOURNAL_SEGMENT_BYTES: 64 * 1024 ** 2, RELAY_JOURNAL_MAX_BYTES: 10 ** 10 };

interface Load {
  readonly lanes: number;
  readonly bytes: number;
  readonly messages: readonly Submission[];
}

interface Measured {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly perSync: number;
}

function loadOf(lanes: number, bytes: number): Load {
  const count = Math.min(toy ? 200 : 20_000, Math.ceil(octets / bytes)) / (lanes === 1 ? 4 : 1);
  return { lanes, bytes, messages: Array.from({ length: count }, (_, number) => submission(number, bytes)) };
}

function countingSyncs(): { readonly disk: Disk; readonly syncs: () => number } {
  let syncs = 0;
  const disk: Disk = {
    ...systemDisk,
    create: async (path) => {
      const file = await systemDisk.create(path);
      return {
        ...file,
        sync: () => {
          syncs += 1;
          return file.sync();
        },
      };
    },
  };
  return { disk, syncs: () => syncs };
}

async function append(load: Load): Promise<Measured> {
  await using directory = await temporaryDirectory();
  const { disk, syncs } = countingSyncs();
  const { journal } = await openTestJournal(directory.path, { disk, config });
  const times: number[] = [];
  const queue = [...load.messages];
  const start = performance.now();
  const lane = async (): Promise<void> => {
    for (let one = queue.pop(); one; one = queue.pop()) {
      const begun = performance.now();
      expect((await journal.append(one)).kind).toBe('stored');
      times.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: load.lanes }, lane));
  const seconds = (performance.now() - start) / 1_000;
  await journal.close();
  times.sort((a, b) => a - b);
  return {
    perSecond: load.messages.length / seconds,
    p50Ms: times[Math.floor(times.length * 0.5)] ?? 0,
    p99Ms: times[Math.floor(times.length * 0.99)] ?? 0,
    perSync: load.messages.length / syncs(),
  };
}

/** The least a durable log can do: the same octets, so many at once, one write and one sync. */
async function bare({ lanes, messages }: Load): Promise<number> {
  await using directory = await temporaryDirectory();
  await using file = await open(join(directory.path, 'bare'), 'ax');
  const encoded = messages.map(encodeSubmission);
  const start = performance.now();
  for (let at = 0; at < encoded.length; at += lanes) {
    await file.writev(encoded.slice(at, at + lanes));
    await file.datasync();
  }
  return encoded.length / ((performance.now() - start) / 1_000);
}

async function compare(load: Load): Promise<Row> {
  const ours: Measured[] = [];
  const least: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    ours.push(await append(load));
    least.push(await bare(load));
  }
  const middle = (read: (one: Measured) => number) => median(ours.map(read));
  return {
    bytes: load.bytes,
    lanes: load.lanes,
    'messages/s': Math.round(middle(({ perSecond }) => perSecond)),
    'p50 ms': Number(middle(({ p50Ms }) => p50Ms).toFixed(2)),
    'p99 ms': Number(middle(({ p99Ms }) => p99Ms).toFixed(2)),
    'messages/sync': Number(middle(({ perSync }) => perSync).toFixed(1)),
    'bare messages/s': Math.round(median(least)),
    ratio: Number((middle(({ perSecond }) => perSecond) / median(least)).toFixed(2)),
  };
}

it('the journal appends at a good part of the speed of a bare write and sync of the same groups', async () => {
  const rows: Row[] = [];
  for (const bytes of [5_000, 100_000])
    for (const lanes of [1, 20, 100]) rows.push(await compare(loadOf(lanes, bytes)));
  report('journal', rows);
  expect(rows.map(({ ratio }) => Number(ratio)).every((ratio) => ratio > leastRatio)).toBe(true);
});

async function readThrough(journal: Journal): Promise<number> {
  let records = 0;
  let next = origin;
  for (;;) {
    const batch = await journal.read(next, { records: 64, bytes: 1024 ** 2 });
    if (batch.records.length === 0) return records;
    records += batch.records.length;
    next = batch.next;
  }
}

it('the journal is read back faster than it is written', async () => {
  await using directory = await temporaryDirectory();
  const { journal } = await openTestJournal(directory.path, { config });
  const { messages } = loadOf(100, 5_000);
  const written = performance.now();
  await Promise.all(messages.map((one) => journal.append(one)));
  const read = performance.now();
  expect(await readThrough(journal)).toBe(messages.length);
  const done = performance.now();
  await journal.close();
  const perSecond = (from: number, to: number) => Math.round(messages.length / ((to - from) / 1_000));
  report('journal, all at once', [
    { 'written/s': perSecond(written, read), 'read/s, 64 at once': perSecond(read, done) },
  ]);
  expect(done - read).toBeGreaterThan(0);
});
