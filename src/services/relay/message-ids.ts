import type { Random } from '../../adapters/random.ts';
import { type Id, newId } from '../../domain/id.ts';

const idBytes = 10;
const idsPerDraw = 100;

/** Makes message ids; randomness is drawn for many at once, which is ten times cheaper. */
export function openMessageIds(random: Pick<Random, 'bytes'>): (at: Date) => Id<'msg'> {
  let drawn = new Uint8Array();
  let used = 0;
  return (at) => {
    if (used >= drawn.length) {
      drawn = Uint8Array.from(random.bytes(idBytes * idsPerDraw));
      used = 0;
    }
    used += idBytes;
    return newId('msg', at, drawn.subarray(used - idBytes, used));
  };
}
