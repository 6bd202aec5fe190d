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
  type MovedPage,
  moveNeededBodies,
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
  const limit = keep.RETENTION_BATCH;
  const removeAll = (batch: number, remove: () => Promise<number>) => removeBatches(batch, remove, goesOn);
  const rows = {
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
  await removeAll(limit, () => deleteStrayBodies(db, { keepMs: keep.RETENTION_BODIES, limit }));
  return { ...rows, ...(await dropBodies(db, keep, goesOn)) };
}

async function dropBodies(
  db: Database,
  keep: Retention,
  goesOn: () => boolean,
): Promise<Pick<Removed, 'bodyDays' | 'bodiesMoved'>> {
  const bodyDays: string[] = [];
  let bodiesMoved = 0;
  for (const day of await expiredBodyDays(db, keep.RETENTION_BODIES)) {
    bodiesMoved += await moveAll(db, day, { limit: Math.ceil(keep.RETENTION_BATCH / bodyWeight), goesOn });
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

/** A body that is moved counts for so many rows that are removed. */
const bodyWeight = 10;

/** Moves in pages what of a day may still be sent: after a long pause that can be all of it, which no single statement could move in its time. */
async function moveAll(
  db: Database,
  day: string,
  { limit, goesOn }: { readonly limit: number; readonly goesOn: () => boolean },
): Promise<number> {
  let moved = 0;
  for (let after: string | null = ''; after !== null && goesOn();) {
    const page: MovedPage = await moveNeededBodies(db, day, { after, limit });
    moved += page.moved;
    after = page.last;
  }
  return moved;
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
