import { join } from 'node:path';

import type { Registry } from '../metrics.ts';
import { type StartedGuard, startGuard } from './guard/start-guard.ts';
import { openKeptFile } from './kept-file.ts';
import type { RelayConfig, RelayWorld } from './room.ts';

/** Where users are at home outlives a restart, so that nobody is locked out by it. `release` gets what to wait for. */
export async function recallGuard(
  config: RelayConfig,
  world: RelayWorld,
  registry: Registry,
  release: (() => Promise<unknown>)[],
): Promise<StartedGuard> {
  const path = join(config.RELAY_JOURNAL_DIR, 'networks.json');
  const file = await openKeptFile(world.disk, path, world.log);
  release.push(file.close);
  const guard = startGuard(config, world, registry, file);
  release.push(guard.stop);
  return guard;
}
