import { resolve } from 'node:path';

import type { Runtime } from '../../runtime.ts';
import type { BackupSet } from './sets.ts';
import { listSets } from './sets.ts';

/** How a folder stands with backups. */
export interface BackupStanding {
  /** When the newest set was complete, and when any was last proven by restoring it; ISO 8601, null where there is none. */
  readonly last: string | null;
  readonly proven: string | null;
  /** True where nothing on this host opens sets (`BACKUP_VERIFY_KEY=none`): proof is made while they are written, or with the escrow key. */
  readonly strict: boolean;
  readonly newest: BackupSet | undefined;
  readonly sets: number;
}

/** Looks at the sets themselves: what a failed run left says nothing of them. */
export async function backupStanding(
  world: Pick<Runtime, 'archive' | 'config' | 'dir'>,
): Promise<BackupStanding> {
  const { BACKUP_DIR: folder, BACKUP_VERIFY_KEY: key } = await world.config('operator');
  const sets = await listSets({ archive: await world.archive(), shelf: resolve(world.dir, folder) });
  const [newest] = sets;
  const proofs = sets.flatMap((set) => set.proofs.filter(({ how }) => how === 'restored'));
  return {
    last: newest ? completedAt(newest).toISOString() : null,
    proven:
      proofs
        .map(({ at }) => at)
        .toSorted()
        .at(-1) ?? null,
    strict: key === 'none',
    newest,
    sets: sets.length,
  };
}

function completedAt({ manifest }: BackupSet): Date {
  return new Date(Date.parse(manifest.created_at) + manifest.seconds * 1000);
}
