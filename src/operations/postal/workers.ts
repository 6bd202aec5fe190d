import { join } from 'node:path';

import type { Container } from '../../adapters/container.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { RunningWorkers } from '../../domain/postal-rescue.ts';
import type { Runtime } from '../../runtime.ts';

/** The service of the stack that is Postal's worker. */
export const workerService = 'postal-worker';

/** Postal's services that never lock a row. */
const others = new Set(['postal-web', 'postal-smtp', 'postal-init']);

/**
 * Since when Postal's workers run: from the engine on the host of a stack, and inside it from what each worker wrote down when it
 * began. Throws `usage` where neither can be looked at.
 */
export async function runningWorkers(world: Runtime): Promise<RunningWorkers> {
  const { POSTAL_RUN_DIR: folder, POSTAL_IMAGE: image } = await world.config('operator');
  if (folder !== undefined) return { known: 'hosts', since: await writtenDown(world, folder) };
  if (!(await world.addresses.onHost())) throw unseen();
  const containers = await (await world.docker()).containers();
  const postal = new Set(containers.filter(({ service }) => others.has(service)).map((one) => one.imageId));
  const workers = containers.filter((one) => isWorker(one, image, postal));
  return { known: 'all', since: workers.filter(isAlive).map(({ startedAt }) => startedAt ?? new Date(0)) };
}

/** Ours, and those that the operator added from Postal's image. */
function isWorker(
  { service, image, imageId }: Container,
  named: string,
  postal: ReadonlySet<string>,
): boolean {
  if (others.has(service)) return false;
  return service === workerService || image === named || postal.has(imageId);
}

/** A paused one goes on one day, and one that restarts may be up before we are done. */
function isAlive({ state }: Container): boolean {
  return state === 'running' || state === 'paused' || state === 'restarting';
}

const prefix = 'worker.';

async function writtenDown({ files }: Runtime, folder: string): Promise<ReadonlyMap<string, Date>> {
  const names = (await files.list(folder)).filter((name) => name.startsWith(prefix));
  const began = await Promise.all(
    names.map(async (name) => {
      const seconds = Number((await files.readAny(join(folder, name)))?.trim() || Number.NaN);
      return [name.slice(prefix.length), seconds] as const;
    }),
  );
  return new Map(
    began
      .filter(([, seconds]) => Number.isFinite(seconds))
      .map(([host, seconds]) => [host, new Date(seconds * 1000)]),
  );
}

function unseen(): OperatorError {
  return new OperatorError('usage', "nobody here can tell since when Postal's workers run", {
    hint: 'Say when the oldest of them began: --before 2026-01-31T12:00:00Z',
    field: '--before',
  });
}
