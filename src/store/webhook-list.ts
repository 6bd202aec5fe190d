import type { Database } from '../adapters/postgres.ts';
import { given } from './given.ts';

/** How a webhook stands: it is due or put off, AMS took it, or it was given up. */
export const deliveryStates = ['waiting', 'delivered', 'dead'] as const;

export type DeliveryState = (typeof deliveryStates)[number];

/** A webhook about an event, without its body. */
export interface ListedDelivery {
  readonly id: string;
  readonly endpointId: string;
  readonly eventId: string;
  readonly messageId: string;
  /** Such as `message.delivered`. */
  readonly type: string;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly lastStatus: number | null;
  readonly lastError: string | null;
  readonly createdAt: Date;
  /** Null unless it waits. */
  readonly nextAttemptAt: Date | null;
  readonly deliveredAt: Date | null;
}

/** Which webhooks are meant; each part that is given must hold. */
export interface DeliveryFilter {
  readonly state: DeliveryState | undefined;
  readonly endpointId: string | undefined;
}

interface Page {
  /** The last id of the page before. */
  readonly before: string | undefined;
  readonly limit: number;
}

/** Webhooks by id, which is by age, newest first. Tests of endpoints are not among them. */
export function listDeliveries(
  db: Database,
  { state, endpointId }: DeliveryFilter,
  { before, limit }: Page,
): Promise<readonly ListedDelivery[]> {
  const { conditions, values } = given([
    [endpointId, (place) => `endpoint_id = ${place}`],
    [before, (place) => `id < ${place}`],
  ]);
  // As a word of the statement: a plan for any state has no use for the indexes of one.
  const ofState = state === undefined ? [] : [`state = '${state}'`];
  const where = ['event_id is not null', ...ofState, ...conditions].join(' and ');
  return db.query<ListedDelivery & Record<string, unknown>>(
    `select d.id, d.endpoint_id as "endpointId", d.event_id as "eventId", e.message_id as "messageId", 'message.' || e.kind as type,
       d.state, d.attempts, d.last_status as "lastStatus", d.last_error as "lastError", d.created_at as "createdAt",
       case when d.state = 'waiting' then d.next_attempt_at end as "nextAttemptAt", d.delivered_at as "deliveredAt"
     from (
       select * from webhook_deliveries where ${where} order by id desc limit $${values.length + 1}
     ) d join events e on e.id = d.event_id
     order by d.id desc`,
    [...values, limit],
  );
}

/** The ids of webhooks that were given up, oldest first; of one endpoint where it is named. */
export async function deadWebhooks(
  db: Database,
  limit: number,
  endpointId?: string,
): Promise<readonly string[]> {
  const rows = await db.query<{ id: string }>(
    `select id from webhook_deliveries
     where state = 'dead' and event_id is not null and ($2::text is null or endpoint_id = $2)
     order by created_at, id limit $1`,
    [limit, endpointId],
  );
  return rows.map(({ id }) => id);
}

/** Starts dead webhooks afresh: the whole schedule is theirs again. Returns how many there were. */
export function replayWebhooks(db: Database, ids: readonly string[]): Promise<number> {
  return db.change(
    `update webhook_deliveries set state = 'waiting', attempts = 0, next_attempt_at = now()
     where state = 'dead' and event_id is not null and id = any($1::text[])`,
    [ids],
  );
}

/** How a webhook fares. */
export interface DeliveryStanding {
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly lastStatus: number | null;
  readonly lastError: string | null;
}

/** The webhook with this id, that of a test too. */
export async function findDelivery(db: Database, id: string): Promise<DeliveryStanding | undefined> {
  const [row] = await db.query<DeliveryStanding & Record<string, unknown>>(
    `select state, attempts, last_status as "lastStatus", last_error as "lastError"
     from webhook_deliveries where id = $1`,
    [id],
  );
  return row;
}
