import type { Database } from '../adapters/postgres.ts';
import { priorities } from '../domain/priority.ts';
import type { ClaimedMessage } from './claim.ts';

interface Intent {
  readonly id: string;
  readonly attemptId: string;
  readonly positions: readonly number[];
  readonly leaseMs: number;
  readonly settleMs: number;
}

/** What the holder of a claim may hand over now. `raw` is undefined when the body is gone. */
export interface Begun {
  readonly raw: Buffer | undefined;
  /** Those of the asked positions that nothing else has settled meanwhile. */
  readonly positions: readonly number[];
}

/**
 * Records the intent and renews the lease, right before a request; undefined when the lease was lost and nothing may be sent. From
 * here on nobody else takes the message before the new lease and `settleMs` are over.
 */
export async function beginHandover(db: Database, intent: Intent): Promise<Begun | undefined> {
  const [row] = await db.query<{ raw: Buffer | null; positions: number[] | null }>(begin, [
    intent.id,
    intent.attemptId,
    intent.leaseMs,
    intent.settleMs,
    intent.positions,
  ]);
  return row && { raw: row.raw ?? undefined, positions: row.positions ?? [] };
}

const begin = `
with held as (
  update messages
  set lease_until = now() + $3 * interval '1 ms', next_attempt_at = now() + ($3 + $4) * interval '1 ms',
    first_attempt_at = coalesce(first_attempt_at, now())
  where id = $1 and attempt_id = $2 and lease_until > clock_timestamp()
  returning id, body_day
), marked as (
  update recipients r set state = 'sending', attempt_id = $2, changed_at = now()
  from held
  where r.message_id = held.id and r.position = any($5::integer[]) and r.state in ('queued', 'scheduled')
  returning r.position
)
select b.raw, (select array_agg(position order by position) from marked) as positions
from held left join bodies b on b.message_id = held.id and b.day = held.body_day`;

/** How one claim ends. */
export interface Finish {
  readonly id: string;
  readonly attemptId: string;
  /** When to try again what is still open. */
  readonly againInMs: number;
  /** Whether this counts as an attempt; waiting for a blocked lane does not. */
  readonly counts: boolean;
}

/**
 * Ends claims: back into the queue while a recipient is open, out of it otherwise. Changes nothing where the claim was lost. The
 * transaction must have locked the messages before (`settleRecipients` does), so that this sees what a webhook has just settled.
 */
export async function finishClaims(within: Database, ends: readonly Finish[]): Promise<void> {
  if (ends.length === 0) return;
  await within.change(
    `update messages m set attempt_id = null, lease_until = null, attempts = attempts + e.counts,
       next_attempt_at = case when exists (
         select from recipients r
         where r.message_id = m.id and r.state in ('queued', 'scheduled', 'sending', 'uncertain')
       ) then now() + e.again_in_ms * interval '1 ms' end
     from unnest($1::text[], $2::text[], $3::float[], $4::integer[]) as e (id, attempt_id, again_in_ms, counts)
     where m.id = e.id and m.attempt_id = e.attempt_id`,
    [
      ends.map(({ id }) => id),
      ends.map(({ attemptId }) => attemptId),
      ends.map(({ againInMs }) => againInMs),
      ends.map(({ counts }) => (counts ? 1 : 0)),
    ],
  );
}

/** Gives claims back for which nothing was sent: they are due as before, each in its place. Returns how many. */
export function giveBack(
  db: Database,
  claims: readonly Pick<ClaimedMessage, 'id' | 'attemptId' | 'dueAt'>[],
): Promise<number> {
  return db.change(
    `update messages m set attempt_id = null, lease_until = null, next_attempt_at = least(c.due_at, now())
     from unnest($1::text[], $2::text[], $3::timestamptz[]) as c (id, attempt_id, due_at)
     where m.id = c.id and m.attempt_id = c.attempt_id`,
    [
      claims.map(({ id }) => id),
      claims.map(({ attemptId }) => attemptId),
      claims.map(({ dueAt }) => dueAt.toISOString()),
    ],
  );
}

/** Takes messages out of the queue of which nothing is left to hand over and that no worker holds. */
export function closeSettled(db: Database, ids: readonly string[]): Promise<number> {
  return db.change(
    `update messages m set next_attempt_at = null
     where id = any($1::text[]) and lease_until is null and next_attempt_at is not null and not exists (
       select from recipients r where r.message_id = m.id and r.state in ('queued', 'scheduled', 'sending', 'uncertain')
     )`,
    [ids],
  );
}

/** How much is due, how long the oldest of it has waited, and how many recipients wait for a look or a hand. */
export interface QueueFigures {
  readonly due: number;
  readonly oldestSeconds: number;
  readonly uncertain: number;
  readonly held: number;
}

/** Looks at partial indexes only, however much is stored; what is due is a range of one for each priority. */
export async function queueFigures(db: Database): Promise<QueueFigures> {
  const [row] = await db.query<QueueFigures & Record<string, unknown>>(
    `select coalesce(sum(due), 0)::integer as due,
       greatest(0, coalesce(extract(epoch from now() - min(oldest)), 0))::float as "oldestSeconds",
       (select count(*)::integer from recipients where state = 'uncertain') as uncertain,
       (select count(*)::integer from recipients where state = 'held') as held
     from unnest($1::text[]) as p (priority) cross join lateral (
       select count(*) as due, min(next_attempt_at) as oldest from messages m
       where m.priority = p.priority and m.next_attempt_at <= now()
     ) d`,
    [priorities],
  );
  return row ?? { due: 0, oldestSeconds: 0, uncertain: 0, held: 0 };
}
