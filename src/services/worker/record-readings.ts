import type { Database } from '../../adapters/postgres.ts';
import type { ConfigOf } from '../../config/environment.ts';
import { withClass } from '../../domain/bounce.ts';
import { type Event, standing } from '../../domain/event.ts';
import { type Meaning, postalKeyOf } from '../../domain/postal-event.ts';
import { ownerKey, recordEvents, toldOf } from '../../store/events.ts';
import { closeSettled } from '../../store/queue.ts';
import { drawConsequences } from '../../upkeep/suppress.ts';
import { applyStandings, lockByPostalNames, type PostalRecipient } from '../../store/recipients.ts';
import type { DigestResult, Figures } from './figures.ts';
import type { Reading } from './read-webhook.ts';
import { freshId, type Room } from './room.ts';

/** What working out Postal's webhooks needs. */
export interface DigestRoom extends Room {
  readonly config: Pick<
    ConfigOf<'worker'>,
    'WORKER_DIGEST_BATCH' | 'POSTAL_EVENT_FUTURE_MAX' | 'SUPPRESSION_BOUNCE_EXPIRY' | 'BOUNCE_REPORT_HOLD'
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
    told.map((webhook) => webhook.told),
  );
  const events = told.flatMap((webhook) => {
    const owner = owners.find(webhook.told);
    return owner ? [{ owner, event: withClass(eventOf(room, webhook, owner)) }] : [];
  });
  const fresh = await recordEvents(
    within,
    events.map(({ event }) => event),
    () => freshId(room, 'whd'),
  );
  await drawConsequences(
    within,
    events.flatMap(({ event }) => (fresh.has(event.id) ? [event] : [])),
    {
      bounceExpiryMs: room.config.SUPPRESSION_BOUNCE_EXPIRY,
      holdMs: room.config.BOUNCE_REPORT_HOLD,
      now: room.clock.now(),
    },
  );
  await refold(
    within,
    events.map(({ owner }) => owner),
  );
  const recorded = new Map(events.map(({ event }) => [event.postalUuid, fresh.has(event.id)]));
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

interface Owners {
  find(told: Told): PostalRecipient | undefined;
}

/** Finds recipients by our key and the exact address, else by our key and Postal's own name for the copy. */
async function ownersOf(within: Database, told: readonly Told[]): Promise<Owners> {
  if (told.length === 0) return { find: () => undefined };
  const rows = await lockByPostalNames(within, {
    keys: told.flatMap(({ message }) => postalKeyOf(message) ?? []),
    addresses: told.flatMap(({ message }) => message.to ?? []),
    ids: told.map(({ message }) => message.id),
  });
  const byAddress = new Map(rows.map((row) => [`${row.postalKey} ${row.address}`, row]));
  const byName = new Map(rows.map((row) => [`${row.postalKey} ${row.postalId} ${row.postalToken}`, row]));
  return {
    find: ({ message }) => {
      const key = postalKeyOf(message);
      return byAddress.get(`${key} ${message.to}`) ?? byName.get(`${key} ${message.id} ${message.token}`);
    },
  };
}

function eventOf(
  room: DigestRoom,
  { uuid, told }: { readonly uuid: string; readonly told: Told },
  { messageId, address }: PostalRecipient,
): Event {
  const { kind, at, detail } = told;
  return { id: freshId(room, 'evt'), messageId, recipient: address, kind, at, postalUuid: uuid, detail };
}

async function refold(within: Database, owners: readonly PostalRecipient[]): Promise<void> {
  const distinct = [
    ...new Map(owners.map((owner) => [`${owner.messageId} ${owner.position}`, owner])).values(),
  ];
  if (distinct.length === 0) return;
  const told = await toldOf(
    within,
    distinct.map(({ messageId, address }) => ({ messageId, recipient: address })),
  );
  await applyStandings(
    within,
    distinct.map(({ messageId, position, address }) => {
      const { latest, opens, clicks } = standing(told.get(ownerKey({ messageId, recipient: address })) ?? []);
      const detail = latest && (latest.detail['output'] || latest.detail['details']);
      return {
        messageId,
        position,
        state: latest?.state,
        detail: detail ? String(detail) : undefined,
        opens,
        clicks,
      };
    }),
  );
  await closeSettled(within, [...new Set(distinct.map(({ messageId }) => messageId))]);
}
