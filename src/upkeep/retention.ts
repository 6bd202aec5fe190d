import type { Database } from '../adapters/postgres.ts';
import type { ConfigOf } from '../config/environment.ts';
import { OperatorError } from '../domain/failure.ts';
import {
  deleteOldDeliveries,
  deleteOldInboundMail,
  deleteOldMessages,
  deleteOldNames,
  deleteOldPostalWebhooks,
  deleteStrayBodies,
  dropBodyDay,
  type Dropped,
  expiredBodyDays,
} from '../store/retention.ts';

/** How long what is kept. */
export type Retention = Pick<
  ConfigOf<'worker'>,
  | 'RETENTION_BODIES'
  | 'RETENTION_MESSAGES'
  | 'RETENTION_POSTAL_WEBHOOKS'
  | 'RETENTION_WEBHOOK_DELIVERIES'
  | 'RETENTION_INBOUND'
  | 'RETENTION_BATCH'
  | 'RETENTION_LOCK_TIMEOUT'
>;

/** What one round removed. */
export interface Removed {
  readonly bodyDays: readonly string[];
  /** Bodies that were moved to today because they may still be sent. */
  readonly bodiesMoved: number;
  readonly messages: number;
  /** By which messages that are sent again are recognised; they are kept as long as bodies. */
  readonly digests: number;
  readonly postalWebhooks: number;
  readonly webhookDeliveries: number;
  readonly inboundMail: number;
}

/**
 * Removes what is older than its retention, and never what could still be sent. Doing it again is safe at any time, so it ends after the
 * batch in hand once `goesOn` says no.
 */
export async function applyRetention(
  db: Database,
  keep: Retention,
  goesOn: () => boolean = () => true,
): Promise<Removed> {
  const bodies = await dropBodies(db, keep, goesOn);
  const limit = keep.RETENTION_BATCH;
  const removeAll = (batch: number, remove: () => Promise<number>) => removeBatches(batch, remove, goesOn);
  await removeAll(limit, () => deleteStrayBodies(db, { keepMs: keep.RETENTION_BODIES, limit }));
  return {
    ...bodies,
    messages: await removeAll(limit, () => deleteOldMessages(db, { keepMs: keep.RETENTION_MESSAGES, limit })),
    digests: await removeAll(limit, () => deleteOldNames(db, { keepMs: keep.RETENTION_BODIES, limit })),
    postalWebhooks: await removeAll(limit, () =>
      deleteOldPostalWebhooks(db, { keepMs: keep.RETENTION_POSTAL_WEBHOOKS, limit }),
    ),
    webhookDeliveries: await removeAll(limit, () =>
      deleteOldDeliveries(db, { keepMs: keep.RETENTION_WEBHOOK_DELIVERIES, limit }),
    ),
    inboundMail: await removeAll(limit, () =>
      deleteOldInboundMail(db, { keepMs: keep.RETENTION_INBOUND, limit }),
    ),
  };
}

async function dropBodies(
  db: Database,
  keep: Retention,
  goesOn: () => boolean,
): Promise<Pick<Removed, 'bodyDays' | 'bodiesMoved'>> {
  const bodyDays: string[] = [];
  let bodiesMoved = 0;
  for (const day of await expiredBodyDays(db, keep.RETENTION_BODIES)) {
    if (!goesOn()) break;
    const dropped = await dropOrLeave(db, day, keep.RETENTION_LOCK_TIMEOUT);
    if (dropped.outcome === 'busy') continue;
    bodyDays.push(day);
    bodiesMoved += dropped.moved;
  }
  return { bodyDays, bodiesMoved };
}

/** A reader in the way is no failure: the day goes in a later round. */
async function dropOrLeave(db: Database, day: string, lockMs: number): Promise<Dropped> {
  try {
    return await dropBodyDay(db, day, lockMs);
  } catch (error) {
    if (error instanceof OperatorError && error.code === 'locked') return { outcome: 'busy' };
    throw error;
  }
}

/** In batches, so that no statement holds its locks for long. */
async function removeBatches(
  limit: number,
  remove: () => Promise<number>,
  goesOn: () => boolean,
): Promise<number> {
  let total = 0;
  while (goesOn()) {
    const removed = await remove();
    total += removed;
    if (removed < limit) break;
  }
  return total;
}
