import { ensureBodyPartitions } from '../../store/bodies.ts';
import { releaseEndedHolds } from '../../store/queue-changes.ts';
import { queueFigures } from '../../store/queue.ts';
import { endPause, sendingState } from '../../store/sending.ts';
import { webhookFigures } from '../../store/webhook-deliveries.ts';
import { digestFigures } from '../../store/webhook-digest.ts';
import { applyRetention, type Retention } from '../../upkeep/retention.ts';
import type { Work } from '../loop.ts';
import type { DueWatch } from './due-watch.ts';
import type { EndpointGates } from './endpoint-gates.ts';
import type { Figures } from './figures.ts';
import type { Lane } from './lane.ts';
import { freshId, type Room } from './room.ts';

/** Days ahead for which bodies have a partition: a worker that is away for a week end leaves no gap. */
const partitionDays = 3;

/** What upkeep needs. */
export interface UpkeepRoom extends Room {
  readonly figures: Pick<Figures, 'depths'>;
  readonly gates: Pick<EndpointGates, 'closed'>;
  readonly lane: Pick<Lane, 'isOpen' | 'recorded'>;
  readonly due: Pick<DueWatch, 'saw'>;
  readonly config: Pick<Retention, 'RETENTION_BATCH'>;
}

/** Keeps partitions ahead of time and the figures of the queue fresh. */
export function upkeep(room: UpkeepRoom): Work {
  const { db, figures, gates, log } = room;
  return {
    turn: async () => {
      const made = await ensureBodyPartitions(db, partitionDays);
      if (made.length > 0) log.info('made partitions for bodies', { days: made });
      await endWhatIsOver(room);
      const [queue, webhooks, digest] = [
        await queueFigures(db),
        await webhookFigures(db),
        await digestFigures(db),
      ];
      room.due.saw(queue.oldestSeconds, await mayGo(room));
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

/** Ends holds and a pause whose time is over. */
async function endWhatIsOver(room: UpkeepRoom): Promise<void> {
  const { db, config, clock, log } = room;
  const released = await releaseEndedHolds(db, config.RETENTION_BATCH, {
    at: clock.now(),
    eventId: () => freshId(room, 'evt'),
    deliveryId: () => freshId(room, 'whd'),
  });
  if (released > 0) log.info('released recipients whose hold has ended', { recipients: released });
  const pause = await endPause(db);
  if (pause) log.info('sending goes on: its pause has ended', { ...pause });
}

/** Neither an operator nor what a worker met at Postal stands in the way. A pause that is over was taken off the record before. */
async function mayGo({ db, lane }: UpkeepRoom): Promise<boolean> {
  const sending = await sendingState(db);
  if (!sending) return false;
  const { pausedAt, blockedAt, blockedProblem } = sending;
  lane.recorded(blockedProblem);
  return lane.isOpen() && pausedAt === null && blockedAt === null;
}

/** Removes what is older than its retention; each batch is progress, and a worker that is to stop does not wait for the last. */
export function retention({ db, config, log }: Room & { readonly config: Retention }): Work {
  return {
    turn: async (stop, alive) => {
      const removed = await applyRetention(db, config, () => {
        alive();
        return !stop.aborted;
      });
      log.info('removed what was too old', { ...removed });
      return false;
    },
  };
}
