import type { Database } from '../adapters/postgres.ts';
import type { QueuedRecipient } from '../domain/delivery.ts';
import type { UnsubscribeWish } from '../domain/unsubscribe.ts';

/** A message that a worker has taken out of everyone else's reach for a while. */
export interface ClaimedMessage {
  readonly id: string;
  readonly attemptId: string;
  /** By the clock of the database. */
  readonly claimedAt: Date;
  readonly postalKey: string;
  readonly mailFrom: string;
  readonly attempts: number;
  readonly firstAttemptAt: Date | null;
  /** How long ago the epoch began; null when there was never more than one. */
  readonly epochAgeMs: number | null;
  readonly tag: string | null;
  /** Whether each recipient gets a one-click link, and so a copy of its own. */
  readonly unsubscribe: UnsubscribeWish | null;
  /** Those that are not settled yet. */
  readonly recipients: readonly QueuedRecipient[];
}

interface SharePage {
  /** The last share of the page before; empty for the first. */
  readonly after: string;
  readonly limit: number;
}

/**
 * Shares (a credential's mail of one tag) that have something in the queue, in the order of their names. Steps from share to share through
 * the index: the cost grows with `limit`, not with what is queued.
 */
export async function queuedShares(db: Database, { after, limit }: SharePage): Promise<readonly string[]> {
  const rows = await db.query<{ share: string }>(
    `with recursive visited (share, place) as (
       (select share, 1 from messages where next_attempt_at is not null and share > $1 order by share limit 1)
       union all
       select (
         select m.share from messages m where m.next_attempt_at is not null and m.share > v.share order by m.share limit 1
       ), v.place + 1
       from visited v where v.share is not null and v.place < $2
     )
     select share from visited where share is not null order by place`,
    [after, limit],
  );
  return rows.map(({ share }) => share);
}

interface Claim {
  readonly attemptId: string;
  readonly limit: number;
  readonly leaseMs: number;
  /** Shares among which the first half of the claim is divided; the rest goes to whoever has waited longest. */
  readonly shares: readonly string[];
}

/**
 * Takes up to `limit` messages that are due under one attempt id; nothing while sending is paused. A claim whose holder dies is due
 * again when its lease ends, by PostgreSQL's clock.
 */
export function claimDue(
  db: Database,
  { attemptId, limit, leaseMs, shares }: Claim,
): Promise<readonly ClaimedMessage[]> {
  const half = Math.floor(limit / 2);
  const each = Math.max(1, Math.floor(half / Math.max(1, shares.length)));
  return db.query<ClaimedMessage & Record<string, unknown>>(claim, [
    attemptId,
    limit,
    leaseMs,
    shares,
    each,
    half,
  ]);
}

// Every limit is a parameter, never computed: the planner must know that few rows come, or it reads the whole table for them. A share is
// a range of its index: asked for as equal, it is looked for among all that is due once millions of messages are stored.
const claim = `
with fair as (
  select d.id from unnest($4::text[]) as s (share)
  cross join lateral (
    select id from messages m
    where m.next_attempt_at is not null and (m.share, m.next_attempt_at) between (s.share, '-infinity') and (s.share, now())
    order by m.share, m.next_attempt_at limit $5
    for update skip locked
  ) d
  limit $6
), oldest as (
  select id from messages
  where next_attempt_at <= now() and id not in (select id from fair)
  order by next_attempt_at
  limit $2
  for update skip locked
), due as (
  select id from fair union all select id from oldest limit $2
), taken as (
  update messages m
  set attempt_id = $1, lease_until = now() + $3 * interval '1 ms', next_attempt_at = now() + $3 * interval '1 ms'
  from due
  where m.id = due.id
    and not exists (select from sending where paused_at is not null and (paused_until is null or paused_until > now()))
  returning m.id, m.postal_key, m.mail_from, m.attempts, m.first_attempt_at, m.received_at, m.stored_at, m.tag, m.unsubscribe
)
select id, $1 as "attemptId", now() as "claimedAt", postal_key as "postalKey", mail_from as "mailFrom", attempts, first_attempt_at as "firstAttemptAt", tag, unsubscribe,
  (extract(epoch from now() - epoch_began_at) * 1000)::float as "epochAgeMs",
  coalesce((
    select jsonb_agg(jsonb_build_object(
      'position', position, 'address', address, 'state', state, 'suppressed', (
        select jsonb_build_object('reason', s.reason, 'scope', s.scope) from suppressions s
        where s.address = lower(r.address) and s.scope in ('', coalesce(taken.tag, '')) and (s.expires_at is null or s.expires_at > now())
        order by s.scope limit 1
      ),
      'isOfEarlierEpoch', coalesce(
        least(received_at, stored_at) <= epoch_began_at and coalesce(looked_up_at < epoch_began_at, true), false
      ),
      'isForgottenAtPostal', coalesce(
        least(received_at, stored_at) <= postal_restored_at and coalesce(looked_up_at < postal_restored_at, true), false
      )
    ) order by position)
    from recipients r
    where r.message_id = taken.id and r.state in ('queued', 'scheduled', 'sending', 'uncertain')
  ), '[]') as recipients
from taken cross join (select epoch_began_at, postal_restored_at from sending limit 1) as epoch order by received_at, id`;

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

/** Gives claims back for which nothing was sent: they are due at once. Returns how many. */
export function giveBack(db: Database, attemptId: string, ids: readonly string[]): Promise<number> {
  return db.change(
    `update messages set attempt_id = null, lease_until = null, next_attempt_at = now()
     where attempt_id = $1 and id = any($2::text[])`,
    [attemptId, ids],
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

/** Looks at partial indexes only, however much is stored. */
export async function queueFigures(db: Database): Promise<QueueFigures> {
  const [row] = await db.query<QueueFigures & Record<string, unknown>>(
    `select count(*)::integer as due,
       greatest(0, coalesce(extract(epoch from now() - min(next_attempt_at)), 0))::float as "oldestSeconds",
       (select count(*)::integer from recipients where state = 'uncertain') as uncertain,
       (select count(*)::integer from recipients where state = 'held') as held
     from messages where next_attempt_at <= now()`,
  );
  return row ?? { due: 0, oldestSeconds: 0, uncertain: 0, held: 0 };
}
