import type { Database } from '../adapters/postgres.ts';
import type { LaneProblem } from '../domain/delivery.ts';

/** Whether messages go to Postal: paused by an operator, or blocked by what a worker met there. */
export interface Sending {
  readonly pausedAt: Date | null;
  readonly pausedUntil: Date | null;
  readonly pausedReason: string | null;
  readonly blockedAt: Date | null;
  readonly blockedProblem: LaneProblem | null;
  readonly blockedReason: string | null;
}

/** How sending stands now. */
export async function sendingState(db: Database): Promise<Sending | undefined> {
  const [row] = await db.query<Sending & Record<string, unknown>>(
    `select paused_at as "pausedAt", paused_until as "pausedUntil", paused_reason as "pausedReason",
       blocked_at as "blockedAt", blocked_problem as "blockedProblem", blocked_reason as "blockedReason"
     from sending`,
  );
  return row;
}

/** Records for the operator what stands in the way at Postal; `undefined` when nothing does any more. */
export async function recordBlock(
  db: Database,
  block: { readonly problem: LaneProblem; readonly reason: string } | undefined,
): Promise<void> {
  await db.change(
    `update sending set blocked_problem = $1, blocked_reason = $2,
       blocked_at = case when $1::text is null then null when blocked_problem = $1 then blocked_at else now() end`,
    [block?.problem, block?.reason],
  );
}

/** Stops handing messages to Postal, until `until` or until it is resumed. What is under way is finished. */
export async function pauseSending(
  db: Database,
  { reason, until }: { readonly reason: string; readonly until?: Date },
): Promise<void> {
  await db.change(
    'update sending set paused_at = coalesce(paused_at, now()), paused_reason = $1, paused_until = $2',
    [reason, until],
  );
}

/** Takes a pause off the record that has ended by itself; undefined when there is none. */
export async function endPause(
  db: Database,
): Promise<{ readonly since: Date; readonly until: Date; readonly reason: string | null } | undefined> {
  const [ended] = await db.query<{ since: Date; until: Date; reason: string | null }>(
    `update sending s set paused_at = null, paused_until = null, paused_reason = null
     from (select paused_at, paused_until, paused_reason from sending where paused_until <= now() for update) as was
     where s.paused_until <= now()
     returning was.paused_at as since, was.paused_until as until, was.paused_reason as reason`,
  );
  return ended;
}

/** Lets messages go to Postal again. False when sending was not paused. */
export async function resumeSending(db: Database): Promise<boolean> {
  const changed = await db.change(
    'update sending set paused_at = null, paused_until = null, paused_reason = null where paused_at is not null',
  );
  return changed > 0;
}
