import { join } from 'node:path';

import type { DiskFile } from '../../../adapters/disk.ts';
import type { Segment } from './segment.ts';
import type { JournalState } from './state.ts';

/** The file of a segment, which stays open until another one is read. One after the other: see `inTurn`. */
export async function openForReading(state: JournalState, segment: Segment): Promise<DiskFile> {
  if (state.reading?.segment === segment) return state.reading.file;
  await closeReading(state);
  const path = join(state.config.RELAY_JOURNAL_DIR, segment.name);
  const file = segment.file ?? (await state.world.disk.open(path));
  state.reading = { segment, file };
  return file;
}

/** Lets go of the file that was read last, unless it is still written to. */
export async function closeReading(state: JournalState): Promise<void> {
  const before = state.reading;
  state.reading = undefined;
  if (before && before.segment.file !== before.file) await before.file.close();
}
