import type { Database } from '../adapters/postgres.ts';
import type { SenderDomains } from '../domain/sender-domains.ts';

/** Domains as they were when somebody last looked at them in Postal. */
export interface SeenSenderDomains {
  readonly domains: SenderDomains;
  /** By PostgreSQL's clock: when the look began, and how long ago that is. */
  readonly readAt: Date;
  readonly ageMs: number;
}

/** Takes the next look on, when it is due, so that one worker has it: the time it begins. Another is due after `intervalMs`. */
export async function claimSenderDomains(db: Database, intervalMs: number): Promise<Date | undefined> {
  const [claimed] = await db.query<{ at: Date }>(
    `update sender_domains set next_at = now() + $1 * interval '1 ms' where next_at <= now() returning now() as at`,
    [intervalMs],
  );
  return claimed?.at;
}

/** Keeps what a look that began at `readAt` found, unless a later one was faster; one of the future is of a clock that was put back since. */
export async function keepSenderDomains(
  db: Database,
  { names, any, senderSuffices }: SenderDomains,
  readAt: Date,
): Promise<void> {
  await db.change(
    `update sender_domains set names = $1, any_domain = $2, sender_suffices = $3, read_at = $4
     where read_at is null or read_at < $4 or read_at > now()`,
    [[...names].toSorted(), any, senderSuffices, readAt],
  );
}

/** Has the next look made at once. Returns the time now: a look that began then or later is new. */
export async function wishSenderDomains(db: Database): Promise<Date> {
  const [wished] = await db.query<{ at: Date }>(
    'update sender_domains set next_at = least(next_at, now()) returning now() as at',
  );
  return wished?.at ?? new Date(8.64e15);
}

interface SeenRow extends Record<string, unknown> {
  readonly names: readonly string[];
  readonly any: boolean;
  readonly senderSuffices: boolean;
  readonly readAt: Date;
  readonly ageMs: number;
}

/** What the last look found; undefined where nobody ever looked. */
export async function readSenderDomains(db: Database): Promise<SeenSenderDomains | undefined> {
  const [row] = await db.query<SeenRow>(
    `select names, any_domain as any, sender_suffices as "senderSuffices", read_at as "readAt",
       greatest(0, extract(epoch from now() - read_at) * 1000)::float as "ageMs"
     from sender_domains where read_at is not null`,
  );
  if (!row) return undefined;
  const { names, any, senderSuffices, readAt, ageMs } = row;
  return { domains: { names: new Set(names), any, senderSuffices }, readAt, ageMs };
}
