import { crc32 } from 'node:zlib';

import type { Disk, DiskFile } from '../../../adapters/disk.ts';
import { comparePositions, origin, type Position } from './segment.ts';

// Two slots, written in turn, each in a sector of its own: turn 6 · segment 6 · offset 6 · record 6 · CRC-32 4.
const slotBytes = 28;
const slotDistance = 4096;

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
      await file.writeAt((turn % 2) * slotDistance, encode(turn, position));
      stored = position;
    },
    sync: () => file.sync(),
    close: () => file.close(),
  };
}

interface Slot {
  readonly turn: number;
  readonly position: Position;
}

async function readLast(file: DiskFile): Promise<Slot | undefined> {
  const slots = [decode(await file.readAt(0, slotBytes)), decode(await file.readAt(slotDistance, slotBytes))];
  return slots
    .filter((slot) => slot !== undefined)
    .toSorted((a, b) => a.turn - b.turn)
    .at(-1);
}

function encode(turn: number, { segment, offset, record }: Position): Uint8Array {
  const bytes = Buffer.alloc(slotBytes);
  [turn, segment, offset, record].forEach((value, index) => bytes.writeUIntBE(value, index * 6, 6));
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 24)), 24);
  return bytes;
}

function decode(bytes: Buffer): Slot | undefined {
  if (bytes.length < slotBytes || bytes.readUInt32BE(24) !== crc32(bytes.subarray(0, 24))) return undefined;
  const at = (index: number) => bytes.readUIntBE(index * 6, 6);
  return { turn: at(0), position: { segment: at(1), offset: at(2), record: at(3) } };
}
