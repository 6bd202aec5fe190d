import type { Database } from '../adapters/postgres.ts';
import type { EventDetail } from '../domain/event.ts';

/** A bounce whose report Postal has. */
export interface ReportedBounce {
  readonly eventId: string;
  /** Postal's id of the message that came back. */
  readonly postalId: number;
}

/** Has the reports of new bounces read; meanwhile, for `holdMs` at most, AMS is not told of them yet. Runs in the transaction that records them. */
export async function queueReports(
  within: Database,
  bounces: readonly ReportedBounce[],
  holdMs: number,
): Promise<void> {
  if (bounces.length === 0) return;
  const eventIds = bounces.map(({ eventId }) => eventId);
  await within.change(
    `insert into bounce_reports (event_id, postal_id) select * from unnest($1::text[], $2::bigint[])
     on conflict do nothing`,
    [eventIds, bounces.map(({ postalId }) => postalId)],
  );
  await within.change(
    `update webhook_deliveries set next_attempt_at = now() + $2 * interval '1 ms'
     where event_id = any($1::text[]) and state = 'waiting' and attempts = 0`,
    [eventIds, holdMs],
  );
}

/** A report that is due, with the recipient whom it is about. `attempts` counts this one. */
export interface DueReport extends ReportedBounce {
  readonly messageId: string;
  readonly recipient: string;
  readonly attempts: number;
  readonly ageMs: number;
}

/** Takes the report that has been due longest out of other workers' reach for `leaseMs`. */
export async function claimReport(db: Database, leaseMs: number): Promise<DueReport | undefined> {
  const [report] = await db.query<DueReport & Record<string, unknown>>(
    `with due as (
       select event_id from bounce_reports where next_attempt_at <= now()
       order by next_attempt_at limit 1 for update skip locked
     )
     update bounce_reports b
     set attempts = b.attempts + 1, next_attempt_at = now() + $1 * interval '1 ms'
     from due, events e
     where b.event_id = due.event_id and e.id = b.event_id
     returning b.event_id as "eventId", b.postal_id::float as "postalId", e.message_id as "messageId", e.recipient, b.attempts,
       (extract(epoch from now() - b.first_attempt_at) * 1000)::float as "ageMs"`,
    [leaseMs],
  );
  return report;
}

/** Has a report read again later. */
export async function postponeReport(db: Database, eventId: string, inMs: number): Promise<void> {
  await db.change(
    `update bounce_reports set next_attempt_at = now() + $2 * interval '1 ms' where event_id = $1`,
    [eventId, inMs],
  );
}

/** Adds what the report says to the event and to the webhooks that wait for it. False when another worker was first. */
export async function finishReport(within: Database, eventId: string, facts: EventDetail): Promise<boolean> {
  if ((await within.change('delete from bounce_reports where event_id = $1', [eventId])) === 0) return false;
  const added = JSON.stringify(facts);
  await within.change('update events set detail = detail || $2::jsonb where id = $1', [eventId, added]);
  await within.change(
    `update webhook_deliveries
     set body = jsonb_set(body::jsonb, '{data,detail}', (body::jsonb -> 'data' -> 'detail') || $2::jsonb)::text,
       next_attempt_at = now()
     where event_id = $1 and state = 'waiting' and attempts = 0`,
    [eventId, added],
  );
  return true;
}
