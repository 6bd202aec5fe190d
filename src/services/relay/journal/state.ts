import type { Clock } from '../../../adapters/clock.ts';
import type { Disk, DiskFile } from '../../../adapters/disk.ts';
import type { OwnDirectory } from '../../../adapters/directory-owner.ts';
import type { Log } from '../../../adapters/log.ts';
import type { Random } from '../../../adapters/random.ts';
import type { ConfigOf } from '../../../config/environment.ts';
import { type Arena, openArena } from './arena.ts';
import { type Position, origin } from '../../../domain/journal-place.ts';
import { type Segment } from './segment.ts';

export type JournalConfig = Pick<
  ConfigOf<'relay'>,
  | 'RELAY_JOURNAL_DIR'
  | 'RELAY_JOURNAL_MAX_BYTES'
  | 'RELAY_JOURNAL_MIN_FREE'
  | 'RELAY_JOURNAL_SEGMENT_BYTES'
  | 'RELAY_JOURNAL_KEEP'
  | 'RELAY_JOURNAL_KEEP_BYTES'
  | 'RELAY_JOURNAL_UPKEEP_INTERVAL'
  | 'RELAY_JOURNAL_OWNER_TIMEOUT'
>;

/** What a journal needs of the world. */
export interface JournalWorld {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly own: OwnDirectory;
}

/** What the journal's parts share while it is open. Only the writer adds to segments, only the reader moves `reading`. */
export interface JournalState {
  readonly config: JournalConfig;
  readonly world: JournalWorld;
  /** Oldest first. */
  readonly segments: Segment[];
  active: { readonly segment: Segment; readonly file: DiskFile } | undefined;
  reading: { readonly segment: Segment; readonly file: DiskFile } | undefined;
  /** What is read is read into it. */
  readonly arena: Arena;
  nextNumber: number;
  /** Everything before it is with the api, or set aside. */
  settled: Position;
  /** The furthest that `settled` ever was: shipping again does not make the journal full. */
  furthest: Position;
  unsettledBytes: number;
  freeBytes: number;
  /** Ships again what was acknowledged since then; whoever ships sets it. */
  reship: ((since: Date) => Promise<unknown>) | undefined;
  isReshipping: boolean;
  /** Names of the side files of damaged records. */
  readonly damaged: Set<string>;
}

/** A batch under way, and the next. */
const readingsAtOnce = 2;

/** A state without segments, settled at the very beginning. */
export function emptyState(config: JournalConfig, world: JournalWorld): JournalState {
  return {
    config,
    world,
    segments: [],
    active: undefined,
    reading: undefined,
    arena: openArena(readingsAtOnce),
    nextNumber: 1,
    settled: origin,
    furthest: origin,
    unsettledBytes: 0,
    freeBytes: 0,
    reship: undefined,
    isReshipping: false,
    damaged: new Set(),
  };
}
