import { join } from 'node:path';

import { damagedFile, damagedFolder, isDamagedFile } from '../../../upkeep/damaged-records.ts';
import type { Extent } from '../../../domain/journal-record.ts';
import type { Segment } from './segment.ts';
import type { JournalState } from './state.ts';

/** Makes the folder of damaged records and learns what is in it. */
export async function openDamaged(state: JournalState): Promise<void> {
  const path = join(state.config.RELAY_JOURNAL_DIR, damagedFolder);
  await state.world.disk.makeDirectory(path);
  for (const name of await state.world.disk.list(path)) if (isDamagedFile(name)) state.damaged.add(name);
}

/** Octets of a segment that are no record, in memory or to be read one piece after the other. */
export interface Stretch extends Extent {
  readonly octets: readonly Uint8Array[] | AsyncIterable<Uint8Array>;
}

/** Keeps the octets of damaged stretches in files of their own, and says so once. What cannot be kept stays in its segment. */
export async function noteDamage(
  state: JournalState,
  segment: Pick<Segment, 'number' | 'name'>,
  stretches: readonly Stretch[],
): Promise<void> {
  const { disk, log } = state.world;
  for (const { from, to, octets } of stretches) {
    const name = damagedFile(segment.number, { from, to });
    if (state.damaged.has(name)) continue;
    state.damaged.add(name);
    const kept = join(state.config.RELAY_JOURNAL_DIR, damagedFolder, name);
    log.error('a record in the journal is damaged and was set aside', {
      segment: segment.name,
      from,
      to,
      kept,
    });
    await disk.replace(kept, octets).catch((why: unknown) => {
      log.error('a damaged record could not be copied; it stays in its segment', {
        segment: segment.name,
        why,
      });
    });
  }
}
