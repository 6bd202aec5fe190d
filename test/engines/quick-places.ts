import { statfs } from 'node:fs/promises';

const memory = '/dev/shm';
const enough = 4 * 1024 ** 3;

/** Memory to put an engine's files in, where there is plenty: cloning a database takes 7 ms there and 85 ms on a disk. */
export async function quickPlaces(): Promise<readonly string[]> {
  const room = await statfs(memory).catch(() => undefined);
  return room && room.bavail * room.bsize >= enough ? [memory] : [];
}
