import { type Position } from '../../../domain/journal-place.ts';
import { isBehind, type Segment } from './segment.ts';

export interface Keeping {
  readonly settled: Position;
  readonly now: Date;
  readonly keepMs: number;
  readonly keepBytes: number;
  /** Octets that the disk lacks for new mail; old segments give way to it. */
  readonly missingBytes: number;
}

/** The segments to remove, oldest first: only settled ones, when they are too old, too many, or in the way of new mail. */
export function segmentsToRemove(segments: readonly Segment[], keeping: Keeping): readonly Segment[] {
  const behind = segments.filter((segment) => isBehind(segment, keeping.settled));
  const oldestKept = keeping.now.getTime() - keeping.keepMs;
  const total = behind.reduce((sum, { bytes }) => sum + bytes, 0);
  const surplus = Math.max(total - keeping.keepBytes, keeping.missingBytes);
  let removed = 0;
  return behind.filter(({ touchedAt, bytes }) => {
    const goes = removed < surplus || touchedAt.getTime() < oldestKept;
    if (goes) removed += bytes;
    return goes;
  });
}
