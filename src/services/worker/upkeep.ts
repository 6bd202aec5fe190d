import { ensureBodyPartitions } from '../../store/bodies.ts';
import { releaseEndedHolds } from '../../store/queue-changes.ts';
import { queueFigures } from '../../store/queue.ts';
import { webhookFigures } from '../../store/webhook-deliveries.ts';
import { digestFigures } from '../../store/webhook-digest.ts';
import { applyRetention, type Retention } from '../../upkeep/retention.ts';
import type { Work } from '../loop.ts';
import type { EndpointGates } from './endpoint-gates.ts';
import type { Figures } from './figures.ts';
import type { Room } from './room.ts';

/** Days ahead for which bodies have a partition: a worker that is away for a week end leaves no gap. */
const partitionDays = 3;

/** What upkeep needs. */
export interface UpkeepRoom extends Room {
  readonly figures: Pick<Figures, 'depths'>;
  readonly gates: Pick<EndpointGates, 'closed'>;
  readonly config: Pick<Retention, 'RETENTION_BATCH'>;
}

/** Keeps partitions ahead of time and the figures of the queue fresh. */
export function upkeep({ db, config, figures, gates, log }: UpkeepRoom): Work {
  return {
    turn: async () => {
      const made = await ensureBodyPartitions(db, partitionDays);
      if (made.length > 0) log.info('made partitions for bodies', { days: made });
      const released = await releaseEndedHolds(db, config.RETENTION_BATCH);
      if (released > 0) log.info('released recipients whose hold has ended', { recipients: released });
      const [queue, webhooks, digest] = [
        await queueFigures(db),
        await webhookFigures(db),
        await digestFigures(db),
      ];
      figures.depths({
        ...queue,
        webhooksWaiting: webhooks.waiting,
        webhooksDead: webhooks.dead,
        webhooksOldestSeconds: webhooks.oldestSeconds,
        digestNew: digest.fresh,
        quarantined: digest.quarantined,
        endpointsClosed: gates.closed(),
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
