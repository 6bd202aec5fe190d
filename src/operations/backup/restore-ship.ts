import { resolve } from 'node:path';

import { wishReship } from '../../upkeep/reship-wish.ts';
import type { Workplace } from './workplace.ts';

/** Asks this machine's relay to ship again what the api acknowledged since then; false where no journal is here, or the restore is not of this host. */
export async function shipAgain({ world, config, warn, target }: Workplace, since: Date): Promise<boolean> {
  if (target) return false;
  const directory = resolve(world.dir, config.RELAY_JOURNAL_DIR);
  const kept = new Date(world.clock.now().getTime() - config.RELAY_JOURNAL_KEEP);
  if (since < kept) {
    warn(
      `relays keep acknowledged mail for RELAY_JOURNAL_KEEP only: what came before ${kept.toISOString()} is lost`,
    );
  }
  const disk = await world.disk();
  if (!(await disk.list(directory).catch(() => undefined))) return false;
  await wishReship(disk, directory, since);
  return true;
}
