import type { Database } from '../../adapters/postgres.ts';
import type { ConfigOf } from '../../config/environment.ts';
import type { Meaning } from '../../domain/postal-event.ts';
import type { PostalRecipient } from '../../store/recipients.ts';
import { ownersOf, recordTold, type ToldEvent } from '../../upkeep/record-told.ts';
import type { DigestResult, Figures } from './figures.ts';
import type { Reading } from './read-webhook.ts';
import { freshId, type Room } from './room.ts';

/** What working out Postal's webhooks needs. */
export interface DigestRoom extends Room {
  readonly config: Pick<
    ConfigOf<'worker'>,
    | 'WORKER_DIGEST_BATCH'
    | 'WORKER_DIGEST_REST'
    | 'WORKER_POLL_INTERVAL'
    | 'POSTAL_EVENT_FUTURE_MAX'
    | 'SUPPRESSION_BOUNCE_EXPIRY'
    | 'BOUNCE_REPORT_HOLD'
  >;
  readonly figures: Pick<Figures, 'digested'>;
}

/** One webhook that was read. */
export interface ReadWebhook {
  readonly uuid: string;
  readonly event: string;
  readonly read: Reading;
}

/** What became of one webhook; `reason` is empty unless it was set aside. */
export interface Digested {
  readonly uuid: string;
  readonly event: string;
  readonly result: DigestResult;
  readonly reason: string;
}

type Told = Extract<Meaning, { is: 'event' }>;

/** Records the events that were read and folds each recipient they concern anew. Runs inside the transaction `within`. */
export async function recordReadings(
  room: DigestRoom,
  within: Database,
  webhooks: readonly ReadWebhook[],
): Promise<readonly Digested[]> {
  const told = webhooks.flatMap(({ uuid, read }) => (read.is === 'event' ? [{ uuid, told: read }] : []));
  const owners = await ownersOf(
    within,
    told.map((webhook) => webhook.told.message),
  );
  const events = told.flatMap((webhook) => {
    const owner = owners.find(webhook.told.message);
    return owner ? [{ owner, event: eventOf(room, webhook, owner) }] : [];
  });
  const fresh = await recordTold(within, events, {
    newDeliveryId: () => freshId(room, 'whd'),
    bounceExpiryMs: room.config.SUPPRESSION_BOUNCE_EXPIRY,
    holdMs: room.config.BOUNCE_REPORT_HOLD,
    now: room.clock.now(),
  });
  const recorded = new Map(events.map(({ event }) => [event.postalUuid, fresh.has(event.postalUuid)]));
  return webhooks.map((webhook) => outcome(room, webhook, recorded.get(webhook.uuid)));
}

function outcome(
  room: DigestRoom,
  { uuid, event, read }: ReadWebhook,
  isFresh: boolean | undefined,
): Digested {
  switch (read.is) {
    case 'event':
      if (isFresh === undefined)
        return {
          uuid,
          event,
          result: 'quarantined',
          reason: 'no message of ours has this mail_from and recipient',
        };
      return { uuid, event, result: isFresh ? 'recorded' : 'repeated', reason: '' };
    case 'incoming':
      return { uuid, event, result: 'ignored', reason: '' };
    case 'platform':
      room.log.warn('Postal reports trouble of the platform', { event, ...read.detail });
      return { uuid, event, result: 'platform', reason: '' };
    case 'odd':
      return { uuid, event, result: 'quarantined', reason: read.why };
  }
}

function eventOf(
  room: DigestRoom,
  { uuid, told }: { readonly uuid: string; readonly told: Told },
  { messageId, address }: PostalRecipient,
): ToldEvent['event'] {
  const { kind, at, detail } = told;
  return { id: freshId(room, 'evt'), messageId, recipient: address, kind, at, postalUuid: uuid, detail };
}
