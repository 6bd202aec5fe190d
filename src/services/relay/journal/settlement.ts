import { join } from 'node:path';

import type { JournalParts } from './parts.ts';
import { comparePositions, origin, type Position } from '../../../domain/journal-place.ts';
import { bytesAfter, isBehind } from './segment.ts';

/** Moves on to a position. What cannot be written down of it is only shipped again after a restart. */
export async function settle({ state, progress }: JournalParts, to: Position): Promise<void> {
  const { segments, world, config } = state;
  const before = state.settled;
  const crossed = segments.filter((segment) => isBehind(segment, to) && !isBehind(segment, before));
  const now = world.clock.now();
  for (const segment of segments) if (segment.number === to.segment) segment.touchedAt = now;
  state.settled = to;
  if (comparePositions(to, state.furthest) > 0) {
    state.furthest = to;
    state.unsettledBytes = bytesAfter(segments, to);
  }
  const written = [progress.store(to)];
  for (const segment of crossed) {
    segment.touchedAt = now;
    written.push(world.disk.touch(join(config.RELAY_JOURNAL_DIR, segment.name), now), progress.sync());
  }
  await Promise.all(written).catch((why: unknown) => {
    world.log.warn('how far the api is could not be written down; after a restart more is shipped again', {
      why,
    });
  });
}

/** Goes back to the oldest segment that was acknowledged since then, as far as it is kept. */
export async function rewind(parts: JournalParts, since: Date): Promise<Position> {
  const { state, progress } = parts;
  const first = state.segments.find(({ touchedAt }) => touchedAt >= since);
  const start = first ? { ...origin, segment: first.number } : state.settled;
  if (comparePositions(start, state.settled) < 0) {
    state.settled = start;
    await progress.store(start);
  }
  return state.settled;
}
