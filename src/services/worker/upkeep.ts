import { ensureBodyPartitions } from '../../store/bodies.ts';
import { queueFigures } from '../../store/queue.ts';
import { webhookFigures } from '../../store/webhook-deliveries.ts';
import { digestFigures } from '../../store/webhook-digest.ts';
import { applyRetention, type Retention } from '../../upkeep/retention.ts';
import type { Work } from '../loop.ts';
import type { Figures } from './figures.ts';
import type { Room } from './room.ts';

/** Days ahead for which bodies have a partition: a worker that is away for a week end leaves no gap. */
const partitionDays = 3;

/** What upkeep needs. */
export interface UpkeepRoom extends Room {
  readonly figures: Pick<Figures, 'depths'>;
}

/** Keeps partitions ahead of time and the figures of the queue fresh. */
export function upkeep({ db, figures, log }: UpkeepRoom): Work {
  return {
    turn: async () => {
      const made = await ensureBodyPartitions(db, partitionDays);
      if (made.length > 0) log.info('made partitions for bodies', { days: made });
      const [queue, webhooks, digest] = [
        await queueFigures(db),
        await webhookFigures(db),
        await digestFigures(db),
      ];
      figures.depths({
        due: queue.due,
        oldestSeconds: queue.oldestSeconds,
        webhooksWaiting: webhooks.waiting,
        webhooksDead: webhooks.dead,
        webhooksOldestSeconds: webhooks.oldestSeconds,
        digestNew: digest.fresh,
        quarantined: digest.quarantined,
      });
      return false;
    },
  };
}

/** Removes what is older than its retention. */
export function retention({ db, config, log }: Room & { readonly config: Retention }): Work {
  return {
    turn: async () => {
      const removed = await applyRetention(db, config);
      log.info('removed what was too old', { ...removed });
      return false;
    },
  };
}
