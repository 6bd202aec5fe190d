import { join } from 'node:path';

import type { DiskFile } from '../../../adapters/disk.ts';
import { pieceBytes } from '../octets.ts';
import { noteDamage } from './damage.ts';
import { isTorn, parseRecords } from '../../../domain/journal-record.ts';
import { parseSegmentName } from '../../../domain/journal-place.ts';
import { sealedName, type Segment } from './segment.ts';
import type { JournalState } from './state.ts';

/** Learns which segments there are, and ends those that a stopped relay left open: where their last valid record ends. */
export async function recoverSegments(state: JournalState): Promise<void> {
  const { config, world } = state;
  const names = await world.disk.list(config.RELAY_JOURNAL_DIR);
  const known = names.map(parseSegmentName).filter((segment) => segment !== undefined);
  for (const segment of known.toSorted((a, b) => a.number - b.number)) {
    const { bytes, modifiedAt } = await world.disk.about(join(config.RELAY_JOURNAL_DIR, segment.name));
    const touchedAt = segment.isSealed ? modifiedAt : world.clock.now();
    const found = { ...segment, touchedAt, beganAt: modifiedAt };
    if (!found.isSealed) await endSegment(state, found, bytes);
    if (found.bytes > 0 || found.name.endsWith('.sealed')) state.segments.push(found);
  }
  state.nextNumber = Math.max(0, ...known.map(({ number }) => number), state.settled.segment) + 1;
}

async function endSegment(state: JournalState, segment: Segment, fileBytes: number): Promise<void> {
  const { config, world } = state;
  const path = join(config.RELAY_JOURNAL_DIR, segment.name);
  const file = await world.disk.open(path);
  const end = await readEnd(file, segment.marker, fileBytes).finally(() => file.close());
  const parsed = parseRecords(end.content, segment.marker, { records: all, isRest: true });
  const within = parsed.records.at(-1)?.to ?? 0;
  segment.bytes = end.from + within;
  segment.records = end.records + parsed.records.length;
  segment.isSealed = true;
  const isEmpty = !(await keepTail(state, segment, end.content.subarray(within))) && segment.bytes === 0;
  const damaged = parsed.damaged.filter(({ to }) => to <= within);
  await noteDamage(
    state,
    segment,
    damaged.map(({ from, to }) => ({
      from: end.from + from,
      to: end.from + to,
      octets: [end.content.subarray(from, to)],
    })),
  );
  world.log.info('a segment was left open and is complete now', {
    segment: segment.name,
    records: segment.records,
    bytes: segment.bytes,
    cut: fileBytes - segment.bytes,
  });
  await finish(state, segment, isEmpty);
}

const all = Number.MAX_SAFE_INTEGER;

interface End {
  /** Records before `from`, which are all whole. */
  readonly records: number;
  readonly from: number;
  readonly content: Buffer;
}

/** Passes over whole records in pieces, so that no start takes the memory of a segment; what comes from the first that is not whole is read at once. */
async function readEnd(file: DiskFile, marker: Buffer, fileBytes: number): Promise<End> {
  let [from, records, wanted] = [0, 0, pieceBytes];
  for (;;) {
    const length = Math.min(wanted, fileBytes - from);
    const content = await file.readAt(from, length);
    if (content.length < length || from + length === fileBytes) return { from, records, content };
    const { used, wants, records: found } = parseRecords(content, marker, { records: all, isRest: false });
    from += used;
    records += found.length;
    wanted = wants === 'rest' ? fileBytes - from : Math.max(pieceBytes, wants ?? 0);
  }
}

/** True when what follows the last valid record was more than an unfinished write. */
async function keepTail(state: JournalState, segment: Segment, bytes: Buffer): Promise<boolean> {
  if (bytes.length === 0) return false;
  if (isTorn(bytes, segment.marker)) {
    state.world.log.warn('the journal ended within a write; that record was never acknowledged and is cut', {
      segment: segment.name,
      bytes: bytes.length,
    });
    return false;
  }
  await noteDamage(state, segment, [
    { from: segment.bytes, to: segment.bytes + bytes.length, octets: [bytes] },
  ]);
  return true;
}

async function finish(state: JournalState, segment: Segment, isEmpty: boolean): Promise<void> {
  const { disk } = state.world;
  const directory = state.config.RELAY_JOURNAL_DIR;
  const path = join(directory, segment.name);
  if (isEmpty) {
    await disk.remove(path);
  } else {
    await syncOnce(state, path);
    segment.name = sealedName(segment);
    await disk.rename(path, join(directory, segment.name));
    await disk.touch(join(directory, segment.name), segment.touchedAt);
  }
  await disk.syncDirectory(directory);
}

/** So that the name promises no more than is on the medium. Nothing is acknowledged by it, so failing is no reason not to start. */
async function syncOnce({ world }: JournalState, path: string): Promise<void> {
  try {
    const file = await world.disk.open(path);
    await file.sync().finally(() => file.close());
  } catch (why) {
    world.log.warn('a segment that was left open could not be synced', { path, why });
  }
}
