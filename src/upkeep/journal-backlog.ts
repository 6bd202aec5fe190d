import { join } from 'node:path';

import type { WholeFiles } from '../adapters/disk.ts';
import {
  latestSlot,
  origin,
  parseSegmentName,
  type Position,
  progressFile,
  type SegmentName,
  slotBytes,
  slotDistance,
} from '../domain/journal-place.ts';
import { lengthBytes, parseRecords } from '../domain/journal-record.ts';
import { decodeSubmission } from '../domain/submission-codec.ts';
import type { Submission } from '../domain/submission.ts';

interface Search<T> {
  /** What is kept of a submission that is meant; its octets are gone afterwards. */
  readonly pick: (submission: Submission) => T | undefined;
  /** Most that are looked for. */
  readonly limit: number;
  /** Most octets of files that are read. */
  readonly mostBytes: number;
}

/** What a search found, newest first, and how many octets it did not look through. */
export interface Searched<T> {
  readonly found: readonly T[];
  readonly unread: number;
}

/**
 * Looks through what a relay accepted and the api does not have yet, the newest segment first and one in memory at a time. The relay may go
 * on meanwhile: what it settles may be found still, and what it accepts may not be found yet.
 */
export async function searchBacklog<T>(
  disk: WholeFiles,
  directory: string,
  { pick, limit, mostBytes }: Search<T>,
): Promise<Searched<T>> {
  const settled = await settledIn(disk, directory);
  const found: T[] = [];
  let [left, unread] = [mostBytes, 0];
  for (const segment of (await segmentsIn(disk, directory)).filter(
    ({ number }) => number >= settled.segment,
  )) {
    const from = segment.number === settled.segment ? settled.offset : 0;
    const bytes = segment.isSealed ? segment.bytes : await sizeOf(disk, join(directory, segment.name));
    if (found.length >= limit || bytes <= from) continue;
    if (bytes > left) {
      unread += bytes - from;
      continue;
    }
    left -= bytes;
    const read = submissionsIn(await contentOf(disk, directory, segment), segment.marker, from);
    found.push(...read.flatMap((submission) => pick(submission) ?? []));
  }
  return { found: found.slice(0, limit), unread };
}

async function settledIn(disk: WholeFiles, directory: string): Promise<Position> {
  const octets = await orElse(disk.read(join(directory, progressFile)), Buffer.alloc(0));
  const slots = [0, slotDistance].map((at) => octets.subarray(at, at + slotBytes));
  return latestSlot(slots)?.position ?? origin;
}

/** Newest first. */
async function segmentsIn(disk: WholeFiles, directory: string): Promise<readonly SegmentName[]> {
  const names = await disk.list(directory);
  return names
    .flatMap((name) => parseSegmentName(name) ?? [])
    .toSorted((one, other) => other.number - one.number);
}

async function sizeOf(disk: WholeFiles, path: string): Promise<number> {
  return orElse(
    disk.about(path).then(({ bytes }) => bytes),
    Number.POSITIVE_INFINITY,
  );
}

/** Empty where it has been removed; one that was sealed since it was seen has another name. */
async function contentOf(
  disk: WholeFiles,
  directory: string,
  { name, number }: SegmentName,
): Promise<Buffer> {
  const seen = await orElse(disk.read(join(directory, name)), undefined);
  if (seen) return seen;
  const now = (await segmentsIn(disk, directory)).find((segment) => segment.number === number);
  return now ? orElse(disk.read(join(directory, now.name)), Buffer.alloc(0)) : Buffer.alloc(0);
}

/** Newest first. What is damaged, or is being written just now, is left out. */
function submissionsIn(content: Buffer, marker: Buffer, from: number): readonly Submission[] {
  const all = { records: Number.MAX_SAFE_INTEGER, isRest: true };
  return parseRecords(content.subarray(from), marker, all)
    .records.flatMap(({ frame }) => {
      const decoded = decodeSubmission(frame.subarray(lengthBytes));
      return decoded.ok ? [decoded.submission] : [];
    })
    .toReversed();
}

async function orElse<T, E>(work: Promise<T>, otherwise: E): Promise<T | E> {
  return work.catch((cause: unknown) => {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return otherwise;
    throw cause;
  });
}
