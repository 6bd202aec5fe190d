import type { Database } from '../adapters/postgres.ts';

/** An endpoint that hears of events; an empty list of types means all. */
export interface Subscription {
  readonly id: string;
  readonly events: readonly string[];
}

/** The endpoints that are not disabled. A paused one goes on collecting. */
export function subscriptions(db: Database): Promise<readonly Subscription[]> {
  return db.query<Subscription & Record<string, unknown>>(
    'select id, events from webhook_endpoints where disabled_at is null',
  );
}

interface NewDelivery {
  readonly id: string;
  readonly endpointId: string;
  readonly eventId: string;
  readonly body: string;
}

/** Queues webhooks; a second one of the same event to the same endpoint is left out. */
export async function insertWebhookDeliveries(
  db: Database,
  deliveries: readonly NewDelivery[],
): Promise<void> {
  await db.change(
    `insert into webhook_deliveries (id, endpoint_id, event_id, body)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::text[])
     on conflict (endpoint_id, event_id) do nothing`,
    [
      deliveries.map(({ id }) => id),
      deliveries.map(({ endpointId }) => endpointId),
      deliveries.map(({ eventId }) => eventId),
      deliveries.map(({ body }) => body),
    ],
  );
}

/** Queues a test of an endpoint: signed and sent as every webhook, but once, and about no event. */
export async function insertWebhookTest(
  db: Database,
  { id, endpointId, body }: { readonly id: string; readonly endpointId: string; readonly body: string },
): Promise<void> {
  await db.change('insert into webhook_deliveries (id, endpoint_id, body) values ($1, $2, $3)', [
    id,
    endpointId,
    body,
  ]);
}

/** A webhook that is due, with where it goes. `attempts` counts this one. */
export interface ClaimedWebhook {
  readonly id: string;
  readonly endpointId: string;
  /** Of a test the id of the webhook itself. */
  readonly eventId: string;
  readonly isTest: boolean;
  readonly body: string;
  readonly attempts: number;
  readonly url: string;
  readonly sealedSecret: Buffer;
  readonly sealedPreviousSecret: Buffer | null;
  /** From when on each of them signs no more. */
  readonly secretExpiresAt: Date | null;
  readonly previousExpiresAt: Date | null;
}

/** How an endpoint fares with the worker that claims for it. */
export interface EndpointStanding {
  /** How many more it may be sent now. */
  readonly room: number;
  /** How many it is being sent. */
  readonly under: number;
  /** Whether its last call failed. */
  readonly isFailing: boolean;
}

interface WebhookClaim {
  readonly limit: number;
  readonly leaseMs: number;
  /** How many may be under way in all. */
  readonly places: number;
  /** How many an endpoint may be sent at once of which nothing is known. */
  readonly perEndpoint: number;
  readonly standings: ReadonlyMap<string, EndpointStanding>;
}

/**
 * Takes webhooks that are due, the longest due of each endpoint first, and hides them for `leaseMs`. No endpoint gets more places than
 * leave as many to each other that has something due and to one that comes next; those that failed last get a quarter of the places
 * together. Where not all fit into `limit`, whoever is being sent least comes first.
 */
export function claimWebhooks(
  db: Database,
  { limit, places, perEndpoint, leaseMs, standings }: WebhookClaim,
): Promise<readonly ClaimedWebhook[]> {
  const known = [...standings.values()];
  const failing = known.reduce((sum, { isFailing, under }) => sum + (isFailing ? under : 0), 0);
  return db.query<ClaimedWebhook & Record<string, unknown>>(claim, [
    limit,
    perEndpoint,
    leaseMs,
    [...standings.keys()],
    known.map(({ room }) => room),
    known.map(({ under }) => under),
    known.map(({ isFailing }) => isFailing),
    places,
    Math.max(1, Math.floor(places / 4)) - failing,
  ]);
}

const claim = `
with open as (
  select e.id, coalesce(known.room, $2) as room, coalesce(known.under, 0) as under, coalesce(known.failing, false) as failing
  from webhook_endpoints e
  left join unnest($4::text[], $5::integer[], $6::integer[], $7::boolean[]) as known (endpoint_id, room, under, failing)
    on known.endpoint_id = e.id
  where e.disabled_at is null and e.paused_at is null and (known.under > 0 or exists (
    select from webhook_deliveries w where w.endpoint_id = e.id and w.state = 'waiting' and w.next_attempt_at <= now()
  ))
), bound as (
  select greatest(1, $8::integer / (1 + count(*)::integer)) as each from open
), waiting as (
  select d.id, open.under + d.place as place, open.failing,
    row_number() over (partition by open.failing order by d.place, d.next_attempt_at) as turn
  from open cross join bound cross join lateral (
    select id, next_attempt_at, row_number() over (order by next_attempt_at, id) as place from (
      select id, next_attempt_at from webhook_deliveries w
      where w.endpoint_id = open.id and w.state = 'waiting' and w.next_attempt_at <= now()
      order by w.next_attempt_at, w.id
      limit greatest(0, least(open.room, bound.each - open.under))
      for update skip locked
    ) longest
  ) d
), due as (
  select id from waiting where not failing or turn <= $9 order by place limit $1
), taken as (
  update webhook_deliveries d set attempts = attempts + 1, next_attempt_at = now() + $3 * interval '1 ms'
  from due where d.id = due.id
  returning d.id, d.endpoint_id, d.event_id, d.body, d.attempts, d.created_at
)
select t.id, t.endpoint_id as "endpointId", coalesce(t.event_id, t.id) as "eventId",
  t.event_id is null as "isTest", t.body, t.attempts, e.url,
  e.sealed_secret as "sealedSecret", e.sealed_previous_secret as "sealedPreviousSecret",
  e.secret_expires_at as "secretExpiresAt", e.previous_expires_at as "previousExpiresAt"
from taken t join webhook_endpoints e on e.id = t.endpoint_id
order by t.created_at, t.id`;

/** How one attempt ended; `next` says what becomes of the webhook. */
export interface WebhookAttempt {
  readonly id: string;
  readonly attempts: number;
  readonly status: number | undefined;
  readonly error: string | undefined;
  readonly next:
    | { readonly state: 'delivered' | 'dead' }
    | { readonly state: 'waiting'; readonly inMs: number };
}

/** Writes down an attempt; nothing when a later attempt has begun meanwhile. */
export async function recordAttempt(db: Database, attempt: WebhookAttempt): Promise<void> {
  const { id, attempts, status, error, next } = attempt;
  await db.change(
    `update webhook_deliveries set state = $3, last_status = $4, last_error = $5,
       next_attempt_at = case when $3 = 'waiting' then now() + $6 * interval '1 ms' end,
       delivered_at = case when $3 = 'delivered' then now() end
     where id = $1 and attempts = $2 and state = 'waiting'`,
    [id, attempts, next.state, status, error, next.state === 'waiting' ? next.inMs : 0],
  );
}

/** Gives back webhooks that were claimed but not sent; the attempt does not count. One that was claimed anew meanwhile stays as it is. */
export function unclaimWebhooks(
  db: Database,
  claims: readonly Pick<ClaimedWebhook, 'id' | 'attempts'>[],
): Promise<number> {
  return db.change(
    `update webhook_deliveries d set attempts = d.attempts - 1, next_attempt_at = now()
     from unnest($1::text[], $2::integer[]) as c (id, attempts)
     where d.id = c.id and d.attempts = c.attempts and d.state = 'waiting'`,
    [claims.map(({ id }) => id), claims.map(({ attempts }) => attempts)],
  );
}

/** Stops an endpoint for good, with the reason; what waits for it stays. True when it was not stopped already. */
export async function disableEndpoint(db: Database, endpointId: string, reason: string): Promise<boolean> {
  const changed = await db.change(
    'update webhook_endpoints set disabled_at = now(), disabled_reason = $2 where id = $1 and disabled_at is null',
    [endpointId, reason],
  );
  return changed > 0;
}

/** How many webhooks wait, how many are dead, and how long the oldest due one has waited. */
export interface WebhookFigures {
  readonly waiting: number;
  readonly dead: number;
  readonly oldestSeconds: number;
}

/** Counts through the partial indexes. */
export async function webhookFigures(db: Database): Promise<WebhookFigures> {
  const [row] = await db.query<WebhookFigures & Record<string, unknown>>(
    `select
       (select count(*)::integer from webhook_deliveries where state = 'waiting') as waiting,
       (select count(*)::integer from webhook_deliveries where state = 'dead' and event_id is not null) as dead,
       (select greatest(0, coalesce(extract(epoch from now() - min(next_attempt_at)), 0))::float
        from webhook_deliveries where state = 'waiting' and next_attempt_at <= now()) as "oldestSeconds"`,
  );
  return row ?? { waiting: 0, dead: 0, oldestSeconds: 0 };
}
