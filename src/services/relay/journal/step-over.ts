import type { DiskFile } from '../../../adapters/disk.ts';
import { pieceBytes } from '../octets.ts';
import { pieces } from './large-record.ts';
import { type Extent, frameAt, headerBytes, isSumOf, markerBytes } from '../../../domain/journal-record.ts';
import { readOrSalvage } from './salvage.ts';
import type { Segment } from './segment.ts';

/** Where something in a segment is no record. */
export interface DamagedPlace {
  readonly segment: Segment;
  readonly file: DiskFile;
  readonly offset: number;
}

/** Where the next record begins that is whole, or the segment's end. Reads in windows, however far that is. */
export async function findNextRecord(place: DamagedPlace): Promise<number> {
  const { segment, file } = place;
  const buffer = Buffer.allocUnsafe(pieceBytes);
  let at = place.offset + 1;
  while (segment.bytes - at >= headerBytes) {
    const window = await readOrSalvage(
      file,
      at,
      buffer.subarray(0, Math.min(pieceBytes, segment.bytes - at)),
    );
    for (const found of placesOf(segment.marker, window)) {
      if (await isRecordAt(place, at + found)) return at + found;
    }
    if (window.length < markerBytes) break;
    at += window.length - markerBytes + 1;
  }
  return segment.bytes;
}

/** The octets of a damaged extent: what the medium lost of them is zeros, and what the file lost is missing. */
export async function* damagedOctets(file: DiskFile, { from, to }: Extent): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafe(pieceBytes);
  for (let at = from; at < to;) {
    const piece = await readOrSalvage(file, at, buffer.subarray(0, Math.min(pieceBytes, to - at)));
    if (piece.length === 0) return;
    yield piece;
    at += piece.length;
  }
}

function placesOf(marker: Uint8Array, window: Buffer): readonly number[] {
  const places: number[] = [];
  for (let at = window.indexOf(marker); at >= 0; at = window.indexOf(marker, at + 1)) places.push(at);
  return places;
}

/** A disk that cannot read it makes it none. */
async function isRecordAt({ segment, file }: DamagedPlace, offset: number): Promise<boolean> {
  const header = await file.readAt(offset, headerBytes).catch(() => Buffer.alloc(0));
  if (header.length < headerBytes) return false;
  const to = offset + headerBytes + header.readUInt32BE(frameAt);
  if (to > segment.bytes) return false;
  const read = (position: number, into: Buffer) => file.readAt(position, into.length, into);
  const frame = pieces(read, { from: offset + frameAt, to }, Buffer.allocUnsafe(pieceBytes));
  return isSumOf(header, frame).catch(() => false);
}
