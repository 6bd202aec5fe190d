import type { Mariadb } from '../../adapters/mariadb.ts';
import type { ConfigOf } from '../../config/environment.ts';
import { claimReconciliation, giveReconciliationBack } from '../../store/reconciliation.ts';
import { reconcile, type ReconcileSettings } from '../../upkeep/reconcile/reconcile.ts';
import type { Work } from '../loop.ts';
import type { Figures } from './figures.ts';
import type { Room } from './room.ts';

/** What reconciling needs. */
export interface ReconcileRoom extends Room {
  readonly postalDatabase: Mariadb;
  readonly figures: Pick<Figures, 'reconciled'>;
  readonly config: ReconcileSettings & Pick<ConfigOf<'worker'>, 'POSTAL_RECONCILE_INTERVAL'>;
}

/**
 * Compares with Postal's databases when that is due: at once after an outage, and where no worker ever did. Of several workers one does.
 */
export function reconciliation(room: ReconcileRoom): Work {
  return {
    turn: async (stop, alive) => {
      if (!(await claimReconciliation(room.db, room.config.POSTAL_RECONCILE_INTERVAL))) return false;
      const goesOn = (): boolean => {
        alive();
        return !stop.aborted;
      };
      try {
        await compare(room, goesOn);
      } catch (error) {
        await giveReconciliationBack(room.db);
        throw error;
      }
      if (stop.aborted) await giveReconciliationBack(room.db);
      return false;
    },
  };
}

async function compare(room: ReconcileRoom, goesOn: () => boolean): Promise<void> {
  const world = { ...room, mariadb: room.postalDatabase };
  const found = await reconcile(world, room.config, { dryRun: false, goesOn });
  room.figures.reconciled(found);
  const fields = { since: found.since, until: found.until, ...found.missing };
  if (Object.keys(found.missing).length > 0) room.log.warn('stored events that no webhook told', fields);
  else room.log.info("compared with Postal's databases; nothing was missing", fields);
  if (found.absent === 0) return;
  const words = 'Postal took recipients of which its databases know nothing any more';
  room.log.warn(words, { recipients: found.absent });
}
