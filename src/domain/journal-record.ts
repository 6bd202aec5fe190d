import { crc32 } from 'node:zlib';

// marker 8 · CRC-32 4 (of what follows) · length 4 · payload: from the length on it is a frame of the wire to the api.
export const headerBytes = 16;
/** Octets of the marker, which every record of a segment begins with. */
export const markerBytes = 8;
/** Where the length stands, from which on a record is a frame. */
export const frameAt = 12;
/** Octets of a frame before its payload. */
export const lengthBytes = 4;

/**
 * The octets of one record. The marker is drawn anew for each segment: a message that carries the octets of a record in its text
 * cannot know it, so resynchronising never mistakes a part of a message for a record.
 */
export function frameRecord(marker: Uint8Array, payload: readonly Uint8Array[]): readonly Uint8Array[] {
  const header = openHeader(
    marker,
    payload.reduce((sum, part) => sum + part.length, 0),
  );
  payload.forEach(header.add);
  return [header.end(), ...payload];
}

/** Makes the octets before a record of so many octets, which are added part by part. */
export function openHeader(marker: Uint8Array, length: number) {
  const header = Buffer.allocUnsafe(headerBytes);
  header.set(marker, 0);
  header.writeUInt32BE(length, frameAt);
  const sum = openSum();
  sum.add(header.subarray(frameAt));
  return {
    add: sum.add,
    end: (): Uint8Array => {
      header.writeUInt32BE(sum.value(), markerBytes);
      return header;
    },
  };
}

/** crc32 forgets the sum so far when a part is empty (zlib takes it for a new start). */
function openSum() {
  let sum = 0;
  return {
    add: (part: Uint8Array): void => {
      if (part.length > 0) sum = crc32(part, sum);
    },
    value: () => sum,
  };
}

/** True when what was promised by a record's header is the sum of these pieces, from the record's length on. */
export async function isSumOf(header: Buffer, pieces: AsyncIterable<Uint8Array>): Promise<boolean> {
  const sum = openSum();
  for await (const piece of pieces) sum.add(piece);
  return sum.value() === header.readUInt32BE(markerBytes);
}

/** Offsets are relative to the octets that were parsed. */
export interface Extent {
  readonly from: number;
  readonly to: number;
}

export interface Found extends Extent {
  /** Four octets of length, then the payload. */
  readonly frame: Buffer;
}

export interface Parsed {
  readonly records: readonly Found[];
  /** Stretches without a valid record. */
  readonly damaged: readonly Extent[];
  /** How far the octets were understood. */
  readonly used: number;
  /** Octets from `used` on that would allow to go on; `rest` when only the whole rest of the segment can tell. */
  readonly wants?: number | 'rest';
}

export interface ParseLimits {
  readonly records: number;
  /** Nothing follows these octets, so that what cannot be read in them cannot be read at all. */
  readonly isRest: boolean;
}

/** Reads records in order. What is damaged is stepped over, up to the next marker with a right CRC. */
export function parseRecords(bytes: Buffer, marker: Uint8Array, limits: ParseLimits): Parsed {
  const records: Found[] = [];
  const damaged: Extent[] = [];
  let used = 0;
  while (used < bytes.length && records.length < limits.records) {
    const seen = recordAt(bytes, used, marker);
    if (typeof seen === 'object') {
      records.push(seen);
      used = seen.to;
    } else if (limits.isRest) {
      const to = nextRecord(bytes, used + 1, marker);
      damaged.push({ from: used, to });
      used = to;
    } else {
      return { records, damaged, used, wants: seen };
    }
  }
  return { records, damaged, used };
}

function recordAt(bytes: Buffer, from: number, marker: Uint8Array): Found | number | 'rest' {
  if (bytes.length - from < headerBytes) return headerBytes;
  if (bytes.compare(marker, 0, markerBytes, from, from + markerBytes) !== 0) return 'rest';
  const to = from + headerBytes + bytes.readUInt32BE(from + frameAt);
  if (to > bytes.length) return to - from;
  const frame = bytes.subarray(from + frameAt, to);
  return crc32(frame) === bytes.readUInt32BE(from + markerBytes) ? { from, to, frame } : 'rest';
}

function nextRecord(bytes: Buffer, from: number, marker: Uint8Array): number {
  let at = bytes.indexOf(marker, from);
  while (at >= 0 && typeof recordAt(bytes, at, marker) !== 'object') at = bytes.indexOf(marker, at + 1);
  return at < 0 ? bytes.length : at;
}

/**
 * True when the last octets of a segment look like a write that did not finish: the beginning of a record whose end is missing, or
 * space that the file system gave and nobody filled. Anything else was a record once.
 */
export function isTorn(tail: Buffer, marker: Uint8Array): boolean {
  if (tail.every((octet) => octet === 0)) return true;
  const start = tail.subarray(0, markerBytes);
  if (start.compare(marker, 0, start.length) !== 0) return false;
  return tail.length < headerBytes || headerBytes + tail.readUInt32BE(frameAt) > tail.length;
}
