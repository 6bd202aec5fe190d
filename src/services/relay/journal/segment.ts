import type { DiskFile } from '../../../adapters/disk.ts';
import type { Position, SegmentName } from '../../../domain/journal-place.ts';

/** One file of the journal. Its name holds number and marker, and once it is sealed how far it is valid. */
export interface Segment extends Pick<SegmentName, 'number' | 'marker'> {
  /** File name in the journal's directory; changes once, when it is sealed. */
  name: string;
  /** Octets and records that are on disk for certain. Nothing behind them is ever read. */
  bytes: number;
  records: number;
  isSealed: boolean;
  /** When the last of it was settled, or written as long as nothing was. */
  touchedAt: Date;
  /** When its first record was written, as far as this process knows. */
  readonly beganAt: Date;
  /** Open while it is written to. */
  file?: DiskFile;
}

/** `0000000007-<marker>.open` while it is written to. */
export function openName(number: number, marker: Buffer): string {
  return `${String(number).padStart(10, '0')}-${marker.toString('hex')}.open`;
}

/** `0000000007-<marker>-<bytes>-<records>.sealed`: so a start needs to read none but the last. */
export function sealedName({
  number,
  marker,
  bytes,
  records,
}: Pick<Segment, 'number' | 'marker' | 'bytes' | 'records'>): string {
  return `${openName(number, marker).slice(0, -'.open'.length)}-${bytes}-${records}.sealed`;
}

/** Octets from a position to the end of the journal. */
export function bytesAfter(segments: readonly Segment[], from: Position): number {
  return segments.reduce((sum, { number, bytes }) => {
    if (number < from.segment) return sum;
    return sum + (number === from.segment ? Math.max(0, bytes - from.offset) : bytes);
  }, 0);
}

/** Records from a position to the end of the journal; a damaged one still ahead counts too. */
export function recordsAfter(segments: readonly Segment[], from: Position): number {
  return segments.reduce((sum, { number, records, bytes }) => {
    if (number < from.segment || (number === from.segment && bytes <= from.offset)) return sum;
    return sum + (number === from.segment ? Math.max(0, records - from.record) : records);
  }, 0);
}

/** True when all of a segment is before the position, and nothing will be added to it. */
export function isBehind(segment: Segment, at: Position): boolean {
  if (!segment.isSealed) return false;
  return segment.number < at.segment || (segment.number === at.segment && segment.bytes <= at.offset);
}
