import { join } from 'node:path';

import type { DirectoryOwner } from '../../../adapters/directory-owner.ts';
import { OperatorError } from '../../../domain/failure.ts';
import { encodeHead } from '../../../domain/submission-codec.ts';
import type { Submission } from '../../../domain/submission.ts';
import { countDropped } from '../../../upkeep/damaged-records.ts';
import { listSetAside, openSetAside, setAside } from '../../../upkeep/set-aside.ts';
import { type Octets, wholeOf } from '../octets.ts';
import { backlog, type Backlog, fullness, whenBeyond } from './backlog.ts';
import { openDamaged } from './damage.ts';
import { type Appended, openGroups } from './group-commit.ts';
import { type JournalParts, openTurns } from './parts.ts';
import { openProgress, type Progress } from './progress.ts';
import { type Batch, type JournalRecord, readBatch, type ReadLimits } from './reader.ts';
import { closeReading } from './reading.ts';
import { headerBytes, lengthBytes } from '../../../domain/journal-record.ts';
import { recoverSegments } from './recover.ts';
import { type Position, progressFile } from '../../../domain/journal-place.ts';
import { bytesAfter } from './segment.ts';
import { rewind, settle } from './settlement.ts';
import { emptyState, type JournalConfig, type JournalState, type JournalWorld } from './state.ts';
import { measureDisk, startUpkeep } from './upkeep.ts';
import { commitGroup, sealActive } from './writer.ts';

/** A submission whose message may be too large for memory. */
export type Accepted = Omit<Submission, 'raw'> & { readonly raw: Octets };

/** The log of what was accepted, on the relay's own disk. */
export interface Journal {
  /** Resolves `stored` only when the submission is on disk; expected ends are values, it never rejects. */
  append(submission: Accepted): Promise<Appended>;
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
  /** Names who ships, to be told when the operator wishes that something is shipped again. */
  shippedBy(reship: (since: Date) => Promise<unknown>): void;
  backlog(): Promise<Backlog>;
  /** How many records are set aside and not dropped: refused by the api, or damaged. */
  setAsideCount(): Promise<{ readonly refused: number; readonly damaged: number }>;
  /** Why nothing more can be taken in now; undefined when it can. */
  fullness(): string | undefined;
  close(): Promise<void>;
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
    progress = await openProgress(world.disk, join(directory, progressFile));
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
  const parts: JournalParts = { state, progress, groups, inTurn, listeners };
  let closed: Promise<void> | undefined;
  return {
    append: (submission) =>
      closed ? Promise.resolve({ kind: 'failed', why: 'the journal is closed' }) : append(parts, submission),
    read: (from, limits) => inTurn(() => readBatch(parts, from, limits)),
    whenBeyond: (position, stop) => whenBeyond(parts, position, stop),
    settled: () => state.settled,
    settle: (to) => settle(parts, to),
    setAside: async ({ at, frame }, reason) => {
      const payload = (await wholeOf(frame)).subarray(lengthBytes);
      const refusal = { reason, at: world.clock.now() };
      return setAside(world.disk, config.RELAY_JOURNAL_DIR, { at, payload }, refusal);
    },
    rewind: (since) => rewind(parts, since),
    shippedBy: (reship) => {
      state.reship = reship;
    },
    backlog: () => backlog(parts),
    setAsideCount: async () => ({
      refused: (await listSetAside(world.disk, config.RELAY_JOURNAL_DIR)).length,
      damaged: state.damaged.size - (await countDropped(world.disk, config.RELAY_JOURNAL_DIR)),
    }),
    fullness: () => fullness(parts, headerBytes),
    close: () => (closed ??= upkeep.stop().then(() => close(parts, owner))),
  };
}

function append(parts: JournalParts, submission: Accepted): Promise<Appended> {
  const { raw } = submission;
  const head = encodeHead(submission);
  const bytes = head.length + raw.length;
  const why = fullness(parts, bytes + headerBytes);
  if (why !== undefined) return Promise.resolve({ kind: 'full', why });
  if (raw instanceof Uint8Array) return parts.groups.add({ payload: [head, raw], bytes });
  if ('parts' in raw) return parts.groups.add({ payload: [head, ...raw.parts], bytes });
  return parts.groups.add({ payload: [head, raw.beginning], rest: raw.rest, bytes });
}

/** Every step is taken, whatever became of the one before: what is stored is on disk, and the directory has to be given back. */
async function close(
  { state, progress, groups, inTurn }: JournalParts,
  owner: DirectoryOwner,
): Promise<void> {
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
