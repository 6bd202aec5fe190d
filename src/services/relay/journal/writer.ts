import { join } from 'node:path';

import type { DiskFile } from '../../../adapters/disk.ts';
import type { Appended, Entry } from './group-commit.ts';
import { frameRecord, headerBytes, openHeader } from '../../../domain/journal-record.ts';
import { openName, sealedName, type Segment } from './segment.ts';
import type { JournalState } from './state.ts';

/**
 * Puts a group on disk with one write that syncs, or a few writes and one sync. When any of it fails the segment is poisoned: it is sealed where it was valid
 * before, never synced again, and the next group begins a new one. Never rejects.
 */
export async function commitGroup(state: JournalState, group: readonly Entry[]): Promise<Appended> {
  try {
    if (!fits(state, group)) await sealActive(state);
    const { segment, file } = state.active ?? (await beginSegment(state));
    await write(file, segment, group);
    add(state, segment, group);
    return { kind: 'stored' };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    state.world.log.error('the journal could not be written; the clients were told to come back', {
      segment: state.active?.segment.name,
      records: group.length,
      why,
    });
    await sealActive(state);
    return { kind: 'failed', why };
  }
}

/** With one call where all of it is in memory. */
async function write(file: DiskFile, segment: Segment, group: readonly Entry[]): Promise<void> {
  if (group.some(({ rest }) => rest)) return writeInPieces(file, segment, group);
  const parts: Uint8Array[] = [];
  for (const { payload } of group) parts.push(...frameRecord(segment.marker, payload));
  await file.appendDurably(parts);
}

async function writeInPieces(file: DiskFile, { marker }: Segment, group: readonly Entry[]): Promise<void> {
  let ready: Uint8Array[] = [];
  for (const { payload, rest, bytes } of group) {
    if (!rest) {
      ready.push(...frameRecord(marker, payload));
      continue;
    }
    await file.append([...ready, await headerOf(marker, { payload, rest, bytes }), ...payload]);
    for await (const piece of rest()) await file.append([piece]);
    ready = [];
  }
  if (ready.length > 0) await file.append(ready);
  await file.sync();
}

/** The sum of a record stands before its octets, so that what is too large for memory is read once more for it. */
async function headerOf(marker: Uint8Array, { payload, rest, bytes }: Required<Entry>): Promise<Uint8Array> {
  const header = openHeader(marker, bytes);
  payload.forEach(header.add);
  for await (const piece of rest()) header.add(piece);
  return header.end();
}

function fits({ active, config }: JournalState, group: readonly Entry[]): boolean {
  if (!active || active.segment.bytes === 0) return true;
  return active.segment.bytes + groupBytes(group) <= config.RELAY_JOURNAL_SEGMENT_BYTES;
}

function groupBytes(group: readonly Entry[]): number {
  return group.reduce((sum, entry) => sum + headerBytes + entry.bytes, 0);
}

function add(state: JournalState, segment: Segment, group: readonly Entry[]): void {
  const bytes = groupBytes(group);
  segment.bytes += bytes;
  segment.records += group.length;
  segment.touchedAt = state.world.clock.now();
  state.unsettledBytes += bytes;
  state.freeBytes -= bytes;
}

/** The directory is synced before anything in the new file is promised, so that the file cannot vanish with its records. */
async function beginSegment(state: JournalState): Promise<NonNullable<JournalState['active']>> {
  const { config, world, segments } = state;
  const number = state.nextNumber;
  state.nextNumber += 1;
  const marker = Buffer.from(world.random.bytes(8));
  const name = openName(number, marker);
  const file = await world.disk.create(join(config.RELAY_JOURNAL_DIR, name));
  const now = world.clock.now();
  const times = { touchedAt: now, beganAt: now };
  const segment: Segment = { number, marker, name, bytes: 0, records: 0, isSealed: false, ...times, file };
  segments.push(segment);
  state.active = { segment, file };
  await world.disk.syncDirectory(config.RELAY_JOURNAL_DIR);
  return state.active;
}

/**
 * Ends the segment that is written to, if there is one. Its name then says how far it is valid, which keeps what a failed write
 * left behind that point from ever being read, also after a restart. Never rejects: `sealLeftovers` tries again.
 */
export async function sealActive(state: JournalState): Promise<void> {
  const active = state.active;
  if (!active) return;
  state.active = undefined;
  active.segment.isSealed = true;
  await nameSealed(state, active.segment);
  delete active.segment.file;
  if (state.reading?.file === active.file) return;
  await active.file.close().catch((why: unknown) => {
    state.world.log.warn('a segment could not be closed', { segment: active.segment.name, why });
  });
}

/** Gives their final names to segments that could not be renamed when they ended. */
export async function sealLeftovers(state: JournalState): Promise<void> {
  const left = state.segments.filter(({ isSealed, name }) => isSealed && name.endsWith('.open'));
  for (const segment of left) await nameSealed(state, segment);
}

async function nameSealed(state: JournalState, segment: Segment): Promise<void> {
  const { disk, log } = state.world;
  const directory = state.config.RELAY_JOURNAL_DIR;
  const name = sealedName(segment);
  try {
    if (segment.bytes === 0) {
      await disk.remove(join(directory, segment.name));
      state.segments.splice(state.segments.indexOf(segment), 1);
    } else {
      await disk.rename(join(directory, segment.name), join(directory, name));
      segment.name = name;
      await disk.touch(join(directory, name), segment.touchedAt);
    }
    await disk.syncDirectory(directory);
  } catch (why) {
    log.error('a segment could not be sealed; it is tried again', { segment: segment.name, why });
  }
}
