import type { Clock } from '../../adapters/clock.ts';
import type { Log } from '../../adapters/log.ts';
import type { Database } from '../../adapters/postgres.ts';
import type { Random } from '../../adapters/random.ts';
import type { Id, IdKind } from '../../domain/id.ts';
import { newId } from '../../domain/id.ts';

/** What every loop of the worker needs of the world. */
export interface Room {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** A new id of this kind, of now. */
export function freshId<K extends IdKind>({ clock, random }: Pick<Room, 'clock' | 'random'>, kind: K): Id<K> {
  return newId(kind, clock.now(), random.bytes(10));
}
