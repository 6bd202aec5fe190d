import { join } from 'node:path';

import type { DirectoryOwner } from '../../../adapters/directory-owner.ts';
import { OperatorError } from '../../../domain/failure.ts';
import { encodeHead } from '../../../domain/submission-codec.ts';
import type { Submission } from '../../../domain/submission.ts';
import { openDamaged } from './damage.ts';
import { type Appended, type Groups, openGroups } from './group-commit.ts';
import { openProgress, type Progress } from './progress.ts';
import {
  type Batch,
  closeReading,
  type JournalRecord,
  readBatch,
  type ReadLimits,
  receivedAtAfter,
} from './reader.ts';
import { headerBytes } from './record.ts';
import { recoverSegments } from './recover.ts';
import { bytesAfter, comparePositions, isBehind, origin, type Position, recordsAfter } from './segment.ts';
import { listSetAside, openSetAside, setAside } from './set-aside.ts';
import { emptyState, type JournalConfig, type JournalState, type JournalWorld } from './state.ts';
import { measureDisk, startUpkeep } from './upkeep.ts';
import { commitGroup, sealActive } from './writer.ts';

/** What is accepted and not yet with the api. */
export interface Backlog {
  readonly records: number;
  readonly bytes: number;
  /** When its oldest record was received, as far as that can be read. */
  readonly oldest?: Date;
}

/** The log of what was accepted, on the relay's own disk. */
export interface Journal {
  /** Resolves `stored` only when the submission is on disk; expected ends are values, it never rejects. */
  append(submission: Submission): Promise<Appended>;
  /** The next records after a position, oldest first; damaged ones are stepped over. Rejects when the disk cannot be read. */
  read(from: Position, limits: ReadLimits): Promise<Batch>;
  /** Resolves as soon as there is a record after the position, or when `stop` is aborted. */
  whenBeyond(position: Position, stop: AbortSignal): Promise<void>;
  settled(): Position;
  /** Everything before the position is with the api or set aside, and is not shipped again by itself. */
  settle(to: Position): Promise<void>;
  /** Keeps a record that the api refused, durably, beside the journal. */
  setAside(record: JournalRecord, reason: string): Promise<void>;
  /** Makes everything acknowledged since then be shipped again, as far as it is kept. Returns where that begins. */
  rewind(since: Date): Promise<Position>;
  backlog(): Promise<Backlog>;
  /** How many records are set aside: refused by the api, or damaged. */
  setAsideCount(): Promise<{ readonly refused: number; readonly damaged: number }>;
  /** Why nothing more can be taken in now; undefined when it can. */
  fullness(): string | undefined;
  close(): Promise<void>;
}

interface Parts {
  readonly state: JournalState;
  readonly progress: Progress;
  readonly groups: Groups;
  /** Runs one after the other what uses the file that is read. */
  readonly inTurn: <T>(read: () => Promise<T>) => Promise<T>;
  readonly listeners: Set<() => void>;
}

/**
 * Opens the journal and repairs what a killed relay left behind. Throws OperatorError `locked` where another relay has the
 * directory, `unreachable` where the disk fails.
 */
export async function openJournal(config: JournalConfig, world: JournalWorld): Promise<Journal> {
  const directory = config.RELAY_JOURNAL_DIR;
  const owner = await own(config, world);
  const state = emptyState(config, world);
  let progress: Progress | undefined;
  try {
    progress = await openProgress(world.disk, join(directory, 'progress'));
    state.settled = state.furthest = progress.position;
    await openDamaged(state);
    await openSetAside(world.disk, directory);
    await recoverSegments(state);
    await measureDisk(state);
    state.unsettledBytes = bytesAfter(state.segments, state.settled);
    return journalOf(state, progress, owner);
  } catch (cause) {
    await progress?.close().catch(() => undefined);
    await owner.release();
    throw unusable(directory, cause);
  }
}

async function own(config: JournalConfig, world: JournalWorld): Promise<DirectoryOwner> {
  const directory = config.RELAY_JOURNAL_DIR;
  try {
    await world.disk.makeDirectory(directory);
    return await world.own(directory, config.RELAY_JOURNAL_OWNER_TIMEOUT);
  } catch (cause) {
    throw unusable(directory, cause);
  }
}

function unusable(directory: string, cause: unknown): OperatorError {
  if (cause instanceof OperatorError) return cause;
  return new OperatorError('unreachable', `the journal in ${directory} cannot be opened`, {
    hint: 'Nothing in it was changed. See that the disk is healthy and has room, and that the relay may write there',
    field: 'RELAY_JOURNAL_DIR',
    cause,
  });
}

function journalOf(state: JournalState, progress: Progress, owner: DirectoryOwner): Journal {
  const { config, world } = state;
  const listeners = new Set<() => void>();
  const inTurn = openTurns();
  const groups = openGroups(async (group) => {
    const end = await commitGroup(state, group);
    if (end.kind === 'failed') await measureDisk(state).catch(() => undefined);
    for (const listener of listeners) listener();
    return end;
  }, config.RELAY_JOURNAL_SEGMENT_BYTES);
  const upkeep = startUpkeep({ state, groups, owner, inTurn });
  const parts: Parts = { state, progress, groups, inTurn, listeners };
  let closed: Promise<void> | undefined;
  return {
    append: async (submission) =>
      closed ? { kind: 'failed', why: 'the journal is closed' } : append(parts, submission),
    read: (from, limits) => inTurn(() => readBatch(state, from, limits)),
    whenBeyond: (position, stop) => whenBeyond(parts, position, stop),
    settled: () => state.settled,
    settle: (to) => settle(parts, to),
    setAside: (record, reason) =>
      setAside(world.disk, config.RELAY_JOURNAL_DIR, record, { reason, at: world.clock.now() }),
    rewind: (since) => rewind(parts, since),
    backlog: () => backlog(parts),
    setAsideCount: async () => ({
      refused: (await listSetAside(world.disk, config.RELAY_JOURNAL_DIR)).length,
      damaged: state.damaged.size,
    }),
    fullness: () => fullness(parts, headerBytes),
    close: () => (closed ??= upkeep.stop().then(() => close(parts, owner))),
  };
}

function openTurns(): Parts['inTurn'] {
  let last: Promise<unknown> = Promise.resolve();
  return (read) => {
    const next = last.then(read, read);
    last = next.catch(() => undefined);
    return next;
  };
}

async function append(parts: Parts, submission: Submission): Promise<Appended> {
  const head = encodeHead(submission);
  const bytes = head.length + submission.raw.length;
  const why = fullness(parts, bytes + headerBytes);
  if (why !== undefined) return { kind: 'full', why };
  return parts.groups.add({ payload: [head, submission.raw], bytes });
}

function fullness({ state, groups }: Parts, bytes: number): string | undefined {
  const { RELAY_JOURNAL_MAX_BYTES: most, RELAY_JOURNAL_MIN_FREE: least } = state.config;
  const waiting = groups.waitingBytes() + bytes;
  if (state.unsettledBytes + waiting > most) return `the journal holds its ${most} bytes`;
  if (state.freeBytes - waiting < least) return `less than ${least} bytes are free on the journal's disk`;
  return undefined;
}

async function whenBeyond({ state, listeners }: Parts, position: Position, stop: AbortSignal): Promise<void> {
  while (!stop.aborted && bytesAfter(state.segments, position) === 0) {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        listeners.delete(wake);
        stop.removeEventListener('abort', wake);
        resolve();
      };
      listeners.add(wake);
      stop.addEventListener('abort', wake);
    });
  }
}

async function settle({ state, progress }: Parts, to: Position): Promise<void> {
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

async function rewind(parts: Parts, since: Date): Promise<Position> {
  const { state, progress } = parts;
  const first = state.segments.find(({ touchedAt }) => touchedAt >= since);
  const start = first ? { ...origin, segment: first.number } : state.settled;
  if (comparePositions(start, state.settled) < 0) {
    state.settled = start;
    await progress.store(start);
  }
  return state.settled;
}

async function backlog({ state, inTurn }: Parts): Promise<Backlog> {
  const oldest = await inTurn(() => receivedAtAfter(state, state.settled)).catch(() => undefined);
  return {
    records: recordsAfter(state.segments, state.settled),
    bytes: bytesAfter(state.segments, state.settled),
    ...(oldest ? { oldest } : {}),
  };
}

/** Every step is taken, whatever became of the one before: what is stored is on disk, and the directory has to be given back. */
async function close({ state, progress, groups, inTurn }: Parts, owner: DirectoryOwner): Promise<void> {
  await groups.exclusive(() => sealActive(state));
  const steps = [
    () => inTurn(() => closeReading(state)),
    () => progress.sync(),
    () => progress.close(),
    () => owner.release(),
  ];
  for (const step of steps) {
    await step().catch((why: unknown) => state.world.log.warn('the journal did not close well', { why }));
  }
}
