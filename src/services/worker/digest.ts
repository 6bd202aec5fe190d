import type { Database } from '../../adapters/postgres.ts';
import {
  countNewSince,
  finishWebhooks,
  lockNewWebhooks,
  quarantineWebhooks,
  type StoredWebhook,
} from '../../store/webhook-digest.ts';
import type { Work } from '../loop.ts';
import { isPoison } from './poison.ts';
import { readWebhook } from './read-webhook.ts';
import { type DigestRoom, recordReadings } from './record-readings.ts';

/**
 * Turns Postal's webhooks into events, states and webhooks to AMS, a batch in one transaction. What does not fill one is waited for, and
 * after a full one it rests: taking webhooks in, for which Postal's deliveries wait, comes first.
 */
export function digestion(room: DigestRoom): Work {
  let single = 0;
  return {
    turn: async (stop, alive) => {
      const startedMs = room.clock.monotonicMs();
      const limit = single > 0 ? 1 : room.config.WORKER_DIGEST_BATCH;
      const taken: StoredWebhook[] = [];
      try {
        await digestBatch(room, limit, taken);
        single = Math.max(0, single - 1);
      } catch (error) {
        if (!isPoison(error)) throw error;
        if (limit === 1) await setAside(room, taken, error);
        else single = taken.length;
      }
      if (single > 0) return true;
      if (taken.length < limit) return false;
      alive();
      await room.clock.sleep(await restMs(room, room.clock.monotonicMs() - startedMs), stop);
      return true;
    },
  };
}

/**
 * A multiple of the time it worked while as many came in as it worked out, and in proportion less while fewer did; never longer than a loop
 * that found nothing waits: a batch may have waited for a lock, or been frozen with its process.
 */
async function restMs({ db, config }: DigestRoom, workedMs: number): Promise<number> {
  const { WORKER_DIGEST_BATCH: batch, WORKER_DIGEST_REST: times, WORKER_POLL_INTERVAL: longest } = config;
  const cameIn = await countNewSince(db, workedMs, batch);
  return Math.min((workedMs * times * cameIn) / batch, longest);
}

async function digestBatch(room: DigestRoom, limit: number, taken: StoredWebhook[]): Promise<void> {
  const latest = new Date(room.clock.now().getTime() + room.config.POSTAL_EVENT_FUTURE_MAX);
  const counts = await room.db.transaction(async (within) => {
    taken.push(...(await lockNewWebhooks(within, limit)));
    return digest(room, within, taken, latest);
  });
  for (const { event, result } of counts) room.figures.digested(event, result);
}

async function digest(room: DigestRoom, within: Database, taken: readonly StoredWebhook[], latest: Date) {
  if (taken.length === 0) return [];
  const readings = taken.map(({ uuid, event, body }) => ({ uuid, event, read: readWebhook(body, latest) }));
  const results = await recordReadings(room, within, readings);
  const aside = results.filter(({ result }) => result === 'quarantined');
  await quarantineWebhooks(within, aside);
  await finishWebhooks(
    within,
    results.filter(({ result }) => result !== 'quarantined').map(({ uuid }) => uuid),
  );
  return results;
}

async function setAside(room: DigestRoom, taken: readonly StoredWebhook[], error: unknown): Promise<void> {
  const why = error instanceof Error ? error.message : String(error);
  room.log.error('a webhook of Postal cannot be worked out; it is quarantined', {
    uuids: taken.map(({ uuid }) => uuid),
    error,
  });
  await quarantineWebhooks(
    room.db,
    taken.map(({ uuid }) => ({ uuid, reason: `it cannot be worked out: ${why}`.slice(0, 300) })),
  );
  for (const { event } of taken) room.figures.digested(event, 'quarantined');
}
