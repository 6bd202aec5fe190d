import type { Disk, DiskFile } from '../../../adapters/disk.ts';
import {
  comparePositions,
  encodeSlot,
  latestSlot,
  origin,
  type Position,
  type Slot,
  slotBytes,
  slotDistance,
} from '../../../domain/journal-place.ts';

/** How far the journal is settled, in a file of its own. */
export interface Progress {
  readonly position: Position;
  /** Survives the end of the process at once, and a power cut after the next `sync`; losing it only ships again. */
  store(position: Position): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Opens the progress file. Without a valid slot everything that is kept counts as not yet settled. */
export async function openProgress(disk: Disk, path: string): Promise<Progress> {
  const file = await disk.openForUpdate(path);
  const last = await readLast(file).catch(async (cause: unknown) => {
    await file.close();
    throw cause;
  });
  let turn = last?.turn ?? 0;
  let stored = last?.position ?? origin;
  return {
    position: stored,
    store: async (position) => {
      if (comparePositions(position, stored) === 0) return;
      turn += 1;
      await file.writeAt((turn % 2) * slotDistance, encodeSlot({ turn, position }));
      stored = position;
    },
    sync: () => file.sync(),
    close: () => file.close(),
  };
}

async function readLast(file: DiskFile): Promise<Slot | undefined> {
  return latestSlot([await file.readAt(0, slotBytes), await file.readAt(slotDistance, slotBytes)]);
}
