import { join } from 'node:path';

import type { DirectoryOwner } from '../../../adapters/directory-owner.ts';
import { forgetTakenWish, takeReshipWish } from '../../../upkeep/reship-wish.ts';
import { takeRequeued } from '../../../upkeep/set-aside.ts';
import type { Groups } from './group-commit.ts';
import { segmentsToRemove } from './retention.ts';
import type { JournalState } from './state.ts';
import { sealActive, sealLeftovers } from './writer.ts';

interface Kept {
  readonly state: JournalState;
  readonly groups: Groups;
  readonly owner: DirectoryOwner;
  /** Runs one after the other what uses the file that is read. */
  readonly inTurn: <T>(read: () => Promise<T>) => Promise<T>;
}

/** Does the journal's housekeeping at its interval until it is stopped. A failure is logged and the next turn tries again. */
export function startUpkeep(kept: Kept): { stop(): Promise<void> } {
  const { config, world } = kept.state;
  const stopped = new AbortController();
  const run = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      await world.clock.sleep(config.RELAY_JOURNAL_UPKEEP_INTERVAL, stopped.signal);
      if (!stopped.signal.aborted) await keepHouse(kept);
    }
  };
  const running = run();
  return {
    stop: async () => {
      stopped.abort();
      await running;
    },
  };
}

/** One turn: says that the owner lives, measures the disk, ends and removes old segments, takes in what the operator asks for. */
async function keepHouse(kept: Kept): Promise<void> {
  const { state, groups, owner, inTurn } = kept;
  const { config, world } = state;
  const tasks: Readonly<Record<string, () => Promise<unknown>>> = {
    'say that the directory is owned': () => owner.beat(),
    'measure the disk': () => measureDisk(state),
    'end the old segment': () => groups.exclusive(() => endOldSegment(state)),
    'seal segments': () => inTurn(() => sealLeftovers(state)),
    'remove segments': () => removeSegments(state),
    'take in requeued records': () =>
      takeRequeued(world.disk, config.RELAY_JOURNAL_DIR, async (payload) => {
        const end = await groups.add({ payload: [payload], bytes: payload.length });
        return end.kind === 'stored';
      }),
    'grant the wish to ship again': () => grantReship(state),
  };
  for (const [what, task] of Object.entries(tasks)) {
    await task().catch((why: unknown) => world.log.error(`the journal could not ${what}`, { why }));
  }
}

/** Learns how much the disk still takes. */
export async function measureDisk(state: JournalState): Promise<void> {
  state.freeBytes = await state.world.disk.freeBytes(state.config.RELAY_JOURNAL_DIR);
}

async function endOldSegment(state: JournalState): Promise<void> {
  const age = state.world.clock.now().getTime() - (state.active?.segment.beganAt.getTime() ?? Infinity);
  if (age > state.config.RELAY_JOURNAL_KEEP) await sealActive(state);
}

async function removeSegments(state: JournalState): Promise<void> {
  const { config, world, segments } = state;
  const removed = segmentsToRemove(segments, {
    settled: state.settled,
    now: world.clock.now(),
    keepMs: config.RELAY_JOURNAL_KEEP,
    keepBytes: config.RELAY_JOURNAL_KEEP_BYTES,
    missingBytes: config.RELAY_JOURNAL_MIN_FREE - state.freeBytes,
  });
  for (const segment of removed) segments.splice(segments.indexOf(segment), 1);
  for (const { name } of removed) await world.disk.remove(join(config.RELAY_JOURNAL_DIR, name));
}

/** It is not waited for: beginning may take as long as the requests under way. The next wish waits until then. */
async function grantReship(state: JournalState): Promise<void> {
  const { config, world, reship } = state;
  if (!reship || state.isReshipping) return;
  const since = await takeReshipWish(world.disk, config.RELAY_JOURNAL_DIR);
  if (!since) return;
  if (Number.isNaN(since.getTime())) {
    await forgetTakenWish(world.disk, config.RELAY_JOURNAL_DIR);
    throw new RangeError('the wish to ship again holds no time');
  }
  state.isReshipping = true;
  reship(since)
    .then(() => {
      world.log.info('what the api acknowledged is shipped again', { since: since.toISOString() });
      return forgetTakenWish(world.disk, config.RELAY_JOURNAL_DIR);
    })
    .catch((why: unknown) => world.log.error('the wish to ship again could not be granted', { why }))
    .finally(() => {
      state.isReshipping = false;
    });
}
