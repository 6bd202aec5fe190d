import { crc32 } from 'node:zlib';

/** A place between two records of the relay's journal, and how many records of its segment are before it. */
export interface Position {
  readonly segment: number;
  readonly offset: number;
  readonly record: number;
}

export const origin: Position = { segment: 0, offset: 0, record: 0 };

/** Negative when `a` is before `b`. */
export function comparePositions(a: Position, b: Position): number {
  return a.segment - b.segment || a.offset - b.offset;
}

/** What the name of a segment says: octets and records only of one that is sealed, 0 of one that is written to. */
export interface SegmentName {
  readonly name: string;
  readonly number: number;
  readonly marker: Buffer;
  readonly bytes: number;
  readonly records: number;
  readonly isSealed: boolean;
}

const pattern = /^(\d{10,})-([0-9a-f]{16})(?:\.open|-(\d+)-(\d+)\.sealed)$/;

/** What a file name says; undefined for a file that is no segment. */
export function parseSegmentName(name: string): SegmentName | undefined {
  const match = pattern.exec(name);
  if (!match) return undefined;
  return {
    number: Number(match[1]),
    marker: Buffer.from(match[2] ?? '', 'hex'),
    name,
    bytes: Number(match[3] ?? 0),
    records: Number(match[4] ?? 0),
    isSealed: match[3] !== undefined,
  };
}

/** The file, beside the segments, of how far they are settled. */
export const progressFile = 'progress';

// Two slots, written in turn, each in a sector of its own: turn 6 · segment 6 · offset 6 · record 6 · CRC-32 4.
export const slotBytes = 28;
export const slotDistance = 4096;

/** A position as it was written down, and in which turn. */
export interface Slot {
  readonly turn: number;
  readonly position: Position;
}

/** The later of the two slots of a progress file that are valid; undefined when none is. */
export function latestSlot(slots: readonly Uint8Array[]): Slot | undefined {
  return slots
    .map(decodeSlot)
    .filter((slot) => slot !== undefined)
    .toSorted((a, b) => a.turn - b.turn)
    .at(-1);
}

/** The octets of a slot. */
export function encodeSlot({ turn, position: { segment, offset, record } }: Slot): Uint8Array {
  const bytes = Buffer.alloc(slotBytes);
  [turn, segment, offset, record].forEach((value, index) => bytes.writeUIntBE(value, index * 6, 6));
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 24)), 24);
  return bytes;
}

function decodeSlot(octets: Uint8Array): Slot | undefined {
  const bytes = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
  if (bytes.length < slotBytes || bytes.readUInt32BE(24) !== crc32(bytes.subarray(0, 24))) return undefined;
  const at = (index: number) => bytes.readUIntBE(index * 6, 6);
  return { turn: at(0), position: { segment: at(1), offset: at(2), record: at(3) } };
}
