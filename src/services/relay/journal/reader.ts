import { receivedAtOf } from '../../../domain/submission-codec.ts';
import type { Streamed } from '../octets.ts';
import { noteDamage, type Stretch } from './damage.ts';
import { type LargePlace, readLarge } from './large-record.ts';
import type { JournalParts } from './parts.ts';
import { openForReading } from './reading.ts';
import { type Extent, headerBytes, type Parsed, parseRecords } from '../../../domain/journal-record.ts';
import { readOrSalvage } from './salvage.ts';
import type { Position } from '../../../domain/journal-place.ts';
import type { Segment } from './segment.ts';
import { type DamagedPlace, damagedOctets, findNextRecord } from './step-over.ts';
import type { JournalState } from './state.ts';

/** How much is read at once. A single record may be larger. */
export interface ReadLimits {
  readonly records: number;
  readonly bytes: number;
}

export interface JournalRecord {
  readonly at: Position;
  /** Four octets of length, then one encoded submission; in memory unless it is larger than was to be read at once. */
  readonly frame: Buffer | Streamed;
}

export interface Batch {
  /** In the order they were received; none when there is nothing after the position. */
  readonly records: readonly JournalRecord[];
  readonly next: Position;
  /** Lets the next reading have the memory. Only when nobody reads the records any more, not even a request that was given up. */
  giveBack(): void;
}

type Files = Pick<JournalParts, 'state' | 'inTurn'>;

/** Reads what is on disk for certain, from a position on. Damaged stretches are set aside and stepped over. */
export async function readBatch(parts: Files, from: Position, limits: ReadLimits): Promise<Batch> {
  const { state } = parts;
  let at = from;
  for (let found = place(state, at); found; found = place(state, at)) {
    const batch = await readIn(parts, found, limits);
    if (batch.records.length > 0) return batch;
    batch.giveBack();
    at = batch.next;
  }
  return { records: [], next: at, giveBack: () => undefined };
}

/** When the first record after a position was received; undefined when there is none. */
export async function receivedAtAfter(state: JournalState, from: Position): Promise<Date | undefined> {
  const found = place(state, from);
  if (!found) return undefined;
  const file = await openForReading(state, found.segment);
  return receivedAtOf(await file.readAt(found.at.offset + headerBytes, 8));
}

interface Place {
  readonly segment: Segment;
  readonly at: Position;
}

function place({ segments }: JournalState, at: Position): Place | undefined {
  const segment = segments.find(
    ({ number, bytes }) => bytes > 0 && (number > at.segment || (number === at.segment && bytes > at.offset)),
  );
  if (!segment || segment.number === at.segment) return segment && { segment, at };
  return { segment, at: { segment: segment.number, offset: 0, record: 0 } };
}

async function readIn(parts: Files, { segment, at }: Place, limits: ReadLimits): Promise<Batch> {
  const { state } = parts;
  const file = await openForReading(state, segment);
  const { parsed, damaged, giveBack } = await parseFrom(parts, { file, segment, offset: at.offset }, limits);
  await noteDamage(state, segment, damaged);
  const records = parsed.records.map((record, index) => ({
    at: { segment: segment.number, offset: at.offset + record.from, record: at.record + index },
    frame: record.frame,
  }));
  const offset = damaged.at(-1)?.to === segment.bytes ? segment.bytes : at.offset + parsed.used;
  const next = { segment: segment.number, offset, record: at.record + records.length };
  return { records, next, giveBack };
}

interface Readings {
  readonly parsed: Pick<Parsed, 'used'> & {
    readonly records: readonly (Extent & Pick<JournalRecord, 'frame'>)[];
  };
  readonly damaged: readonly Stretch[];
  giveBack(): void;
}

/** Reads more only where less cannot tell: a record larger than the limit, or damage; neither is in memory whole. */
async function parseFrom(parts: Files, place: DamagedPlace, limits: ReadLimits): Promise<Readings> {
  const { segment, file, offset } = place;
  const { arena } = parts.state;
  const left = segment.bytes - offset;
  const lent = arena.borrow(Math.min(left, Math.max(limits.bytes, headerBytes)));
  const giveBack = () => arena.giveBack(lent);
  const bytes = await readOrSalvage(file, offset, lent);
  const isShort = bytes.length < lent.length;
  const parsed = parseRecords(bytes, segment.marker, {
    records: limits.records,
    isRest: isShort || lent.length === left,
  });
  if (parsed.records.length === 0 && parsed.wants !== undefined) {
    const large = await largeAt(parts, { segment, file, offset, start: bytes }, parsed.wants);
    giveBack();
    return large ?? stepOver(place);
  }
  const extents = isShort ? withLost(parsed, { from: bytes.length, to: left }) : parsed.damaged;
  const damaged = extents.map(({ from, to }) => ({
    from: offset + from,
    to: offset + to,
    octets: [bytes.subarray(from, to)],
  }));
  return { parsed, damaged, giveBack };
}

async function stepOver(place: DamagedPlace): Promise<Readings> {
  const { file, offset: from } = place;
  const to = await findNextRecord(place);
  const damaged = [{ from, to, octets: damagedOctets(file, { from, to }) }];
  return { parsed: { records: [], used: to - from }, damaged, giveBack: () => undefined };
}

async function largeAt(
  parts: Files,
  at: Omit<LargePlace, 'bytes'>,
  bytes: number | 'rest',
): Promise<Readings | undefined> {
  if (bytes === 'rest' || at.offset + bytes > at.segment.bytes) return undefined;
  const large = await readLarge(parts, { ...at, bytes });
  if (!large) return undefined;
  const { frame, giveBack } = large;
  return { parsed: { records: [{ from: 0, to: bytes, frame }], used: bytes }, damaged: [], giveBack };
}

/** Adds the end that a file has lost to what was damaged right before it. */
function withLost({ damaged, used }: Parsed, lost: Extent): readonly Extent[] {
  if (used < lost.from) return damaged;
  const last = damaged.at(-1);
  if (last?.to !== lost.from) return [...damaged, lost];
  return [...damaged.slice(0, -1), { from: last.from, to: lost.to }];
}
