import type { DiskFile } from '../../../adapters/disk.ts';
import { pieceBytes, type Streamed } from '../octets.ts';
import type { JournalParts } from './parts.ts';
import { openForReading } from './reading.ts';
import { frameAt, isSumOf } from '../../../domain/journal-record.ts';
import type { Segment } from './segment.ts';

/** A record that is read piece by piece. */
export interface LargeRecord {
  readonly frame: Streamed;
  /** Lets others have the memory. */
  giveBack(): void;
}

export interface LargePlace {
  readonly segment: Segment;
  readonly file: DiskFile;
  readonly offset: number;
  /** The first octets of the record, header included, and how many it has. */
  readonly start: Buffer;
  readonly bytes: number;
}

/** Enough of a frame to tell whose it is. */
const beginningBytes = 1024;

/**
 * A record that is larger than what is read at once. Its sum is checked piece by piece; undefined where it is wrong, or where the disk
 * cannot read it. It is read again when its octets are wanted.
 */
export async function readLarge(
  { state, inTurn }: Pick<JournalParts, 'state' | 'inTurn'>,
  { segment, file, offset, start, bytes }: LargePlace,
): Promise<LargeRecord | undefined> {
  const buffer = state.arena.borrow(pieceBytes);
  const giveBack = () => state.arena.giveBack(buffer);
  const frame = { from: offset + frameAt, to: offset + bytes };
  const checked = pieces((position, into) => file.readAt(position, into.length, into), frame, buffer);
  if (!(await isSumOf(start, checked).catch(() => false))) return void giveBack();
  const beginning = Buffer.from(start.subarray(frameAt, frameAt + beginningBytes));
  const readAgain: Read = (position, into) =>
    inTurn(async () => (await openForReading(state, segment)).readAt(position, into.length, into));
  const length = bytes - frameAt;
  const rest = () => pieces(readAgain, { ...frame, from: frame.from + beginning.length }, buffer);
  return { frame: { length, beginning, rest }, giveBack };
}

/** Fills the buffer with what stands from a position on, and gives what there was. */
export type Read = (position: number, into: Buffer) => Promise<Buffer>;

/** The octets of an extent one after the other, each piece in the same buffer. Throws where the file ends too soon. */
export async function* pieces(
  read: Read,
  { from, to }: { readonly from: number; readonly to: number },
  buffer: Buffer,
): AsyncGenerator<Buffer> {
  for (let at = from; at < to;) {
    const piece = await read(at, buffer.subarray(0, Math.min(buffer.length, to - at)));
    if (piece.length === 0) throw new Error('the segment ends within a record');
    at += piece.length;
    yield piece;
  }
}
