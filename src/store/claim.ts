import type { Database } from '../adapters/postgres.ts';
import type { QueuedRecipient } from '../domain/delivery.ts';
import { priorities, type Priority } from '../domain/priority.ts';
import type { UnsubscribeWish } from '../domain/unsubscribe.ts';

/** A message that a worker has taken out of everyone else's reach for a while. */
export interface ClaimedMessage {
  readonly id: string;
  readonly attemptId: string;
  /** By the clock of the database. */
  readonly claimedAt: Date;
  /** When it had become due: its place in the queue. */
  readonly dueAt: Date;
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

/** A credential's mail of one tag and priority. */
export interface Share {
  readonly priority: Priority;
  readonly share: string;
}

interface SharePage {
  /** The last share of the page before, of each priority; empty for the first. */
  readonly after: Readonly<Record<Priority, string>>;
  /** Most shares of each priority. */
  readonly limit: number;
}

/**
 * Shares that have something in the queue, in the order of their names; behind the last of a priority its first. Steps from share to share
 * through the index: the cost grows with `limit`, not with what is queued.
 */
export function queuedShares(db: Database, { after, limit }: SharePage): Promise<readonly Share[]> {
  return db.query<Share & Record<string, unknown>>(
    `with recursive visited (priority, share, place) as (
       select a.priority, coalesce((${nextShare('a.priority', 'a.share')}), (${nextShare('a.priority', `''`)})), 1
       from unnest($1::text[], $2::text[]) as a (priority, share)
       union all
       select v.priority, (${nextShare('v.priority', 'v.share')}), v.place + 1
       from visited v where v.share is not null and v.place < $3
     )
     select priority, share from visited where share is not null order by priority, place`,
    [priorities, priorities.map((priority) => after[priority]), limit],
  );
}

function nextShare(priority: string, share: string): string {
  return `
    select m.share from messages m
    where m.next_attempt_at is not null and m.priority = ${priority} and m.share > ${share}
    order by m.priority, m.share limit 1`;
}

/** What one claim may take. */
export interface Claim {
  readonly attemptId: string;
  readonly limit: number;
  readonly leaseMs: number;
  /** Among whom half of what each priority gets is divided; the rest of it goes to whoever has waited longest. */
  readonly shares: readonly Share[];
  /** How many what is urgent leaves to the rest while that waits, too. */
  readonly others: number;
  /** How many of those are for what is of low priority and has been due for `lowDelayMs`. */
  readonly aged: number;
  readonly lowDelayMs: number;
}

/**
 * Takes up to `limit` messages that are due under one attempt id; nothing while sending is paused. First what is urgent, last what is of
 * low priority, each of these two only where `shares` has one of it. A claim whose holder dies is due again when its lease ends, by
 * PostgreSQL's clock.
 */
export async function claimDue(db: Database, claim: Claim): Promise<readonly ClaimedMessage[]> {
  const steps = stepsOf(claim);
  const [only] = steps;
  if (only && steps.length === 1) return claimStep(db, claim, only);
  return db.transaction(async (within) => {
    const claimed: ClaimedMessage[] = [];
    for (const step of steps) {
      const most = Math.min(step.most, claim.limit - claimed.length);
      if (most > 0) claimed.push(...(await claimStep(within, claim, { ...step, most })));
    }
    return claimed;
  });
}

interface Step {
  readonly priority: Priority;
  readonly most: number;
  /** How long it must have been due. */
  readonly delayMs: number;
}

function stepsOf({ limit, others, aged, lowDelayMs, shares }: Claim): readonly Step[] {
  const steps: readonly Step[] = [
    { priority: 'high', most: limit - others, delayMs: 0 },
    { priority: 'low', most: aged, delayMs: lowDelayMs },
    { priority: 'normal', most: limit, delayMs: 0 },
    { priority: 'high', most: limit, delayMs: 0 },
    { priority: 'low', most: limit, delayMs: 0 },
  ];
  const waiting = new Set(shares.map(({ priority }) => priority));
  return steps.filter(({ priority }) => priority === 'normal' || waiting.has(priority));
}

function claimStep(
  db: Database,
  { attemptId, leaseMs, shares }: Claim,
  { priority, most, delayMs }: Step,
): Promise<readonly ClaimedMessage[]> {
  const names = shares.filter((share) => share.priority === priority).map(({ share }) => share);
  const half = Math.floor(most / 2);
  const each = Math.max(1, Math.floor(half / Math.max(1, names.length)));
  return db.query<ClaimedMessage & Record<string, unknown>>(claiming, [
    attemptId,
    most,
    leaseMs,
    names,
    each,
    half,
    priority,
    delayMs,
  ]);
}

// Every limit is a parameter, never computed: the planner must know that few rows come, or it reads the whole table for them. Priority and
// share are ranges of their index: asked for as equal, they are looked for among all that is due once millions of messages are stored.
const claiming = `
with fair as (
  select d.id, d.next_attempt_at from unnest($4::text[]) as s (share)
  cross join lateral (
    select id, next_attempt_at from messages m
    where m.next_attempt_at is not null and (m.priority, m.share, m.next_attempt_at)
      between ($7, s.share, '-infinity') and ($7, s.share, now() - $8 * interval '1 ms')
    order by m.priority, m.share, m.next_attempt_at limit $5
    for update skip locked
  ) d
  limit $6
), oldest as (
  select id, next_attempt_at from messages
  where next_attempt_at is not null
    and (priority, next_attempt_at) between ($7, '-infinity') and ($7, now() - $8 * interval '1 ms')
    and id not in (select id from fair)
  order by priority, next_attempt_at
  limit $2
  for update skip locked
), due as (
  select id, next_attempt_at from fair union all select id, next_attempt_at from oldest limit $2
), taken as (
  update messages m
  set attempt_id = $1, lease_until = now() + $3 * interval '1 ms', next_attempt_at = now() + $3 * interval '1 ms'
  from due
  where m.id = due.id
    and not exists (select from sending where paused_at is not null and (paused_until is null or paused_until > now()))
  returning due.next_attempt_at as due_at, m.id, m.postal_key, m.mail_from, m.attempts, m.first_attempt_at, m.received_at, m.stored_at, m.tag, m.unsubscribe
)
select id, $1 as "attemptId", now() as "claimedAt", due_at as "dueAt", postal_key as "postalKey", mail_from as "mailFrom", attempts, first_attempt_at as "firstAttemptAt", tag, unsubscribe,
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
