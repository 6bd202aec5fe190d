import type { Database } from '../adapters/postgres.ts';
import type { Id } from '../domain/id.ts';
import type { Submission } from '../domain/submission.ts';

/** Ids that are another name of a message which is stored or is about to be, with that message's id. */
export type Aliases = ReadonlyMap<Id<'msg'>, Id<'msg'>>;

interface Named {
  readonly id: Id<'msg'>;
  readonly digest: Buffer;
  readonly receivedAt: Date;
}

/**
 * Decides, inside the transaction that stores the batch, which submissions are messages that were sent again within `windowMs`, whichever
 * relay received them and in whatever order they arrive. One that is stored already, or is an alias already, keeps what it is.
 */
export async function recogniseResubmissions(
  within: Database,
  submissions: readonly Submission[],
  windowMs: number,
): Promise<Aliases> {
  const named = submissions.flatMap(({ id, receivedAt, dedupe }): readonly Named[] =>
    dedupe ? [{ id, receivedAt, digest: Buffer.from(dedupe.digest) }] : [],
  );
  if (named.length === 0) return new Map();
  const known = await knownIds(within, named);
  const fresh = named.filter(({ id }) => !known.has(id));
  const firsts = await claimDigests(within, fresh, windowMs);
  await replaceLost(within, firsts, fresh);
  const aliases = new Map(
    fresh.flatMap(({ id, digest }) => {
      const first = firsts.get(nameOf(digest));
      return first === undefined || first === id ? [] : [[id, first] as const];
    }),
  );
  return new Map([...[...known].filter(([id, first]) => id !== first), ...aliases]);
}

/** Keeps aliases, once the messages they lead to are stored. */
export async function insertAliases(within: Database, aliases: Aliases): Promise<void> {
  if (aliases.size === 0) return;
  await within.change(
    `insert into message_aliases (alias, message_id)
     select a.alias, a.id from unnest($1::text[], $2::text[]) as a (alias, id) join messages m on m.id = a.id
     on conflict (alias) do nothing`,
    [[...aliases.keys()], [...aliases.values()]],
  );
}

/** Forgets what was received before `before`; returns how many. */
export async function forgetDigests(db: Database, before: Date): Promise<number> {
  return db.change('delete from submission_digests where received_at < $1', [before]);
}

async function knownIds(within: Database, named: readonly Named[]): Promise<Aliases> {
  const rows = await within.query<{ id: Id<'msg'>; first: Id<'msg'> }>(
    `select id, id as first from messages where id = any($1::text[])
     union all select alias, message_id from message_aliases where alias = any($1::text[])`,
    [named.map(({ id }) => id)],
  );
  return new Map(rows.map(({ id, first }) => [id, first]));
}

type Firsts = Map<string, Id<'msg'>>;

/** Locks digests in their order, so that two batches never wait for each other; gives the first message of each. */
async function claimDigests(within: Database, named: readonly Named[], windowMs: number): Promise<Firsts> {
  const unique = new Map(named.toReversed().map((one) => [nameOf(one.digest), one]));
  const ordered = [...unique.values()].toSorted((one, other) => one.digest.compare(other.digest));
  const rows = await within.query<{ digest: Buffer; message_id: Id<'msg'> }>(claim, [
    ordered.map(({ digest }) => digest),
    ordered.map(({ id }) => id),
    ordered.map(({ receivedAt }) => receivedAt),
    windowMs,
  ]);
  return new Map(rows.map((row) => [nameOf(row.digest), row.message_id]));
}

/**
 * Where the first message is not there any more, the one sent again takes its place: an alias of nothing would be a lost message. Asked
 * after the digests are locked, so that what another batch has just stored is seen.
 */
async function replaceLost(within: Database, firsts: Firsts, named: readonly Named[]): Promise<void> {
  const own = new Set(named.map(({ id }) => id));
  const foreign = [...new Set(firsts.values())].filter((id) => !own.has(id));
  if (foreign.length === 0) return;
  const rows = await within.query<{ id: Id<'msg'> }>('select id from messages where id = any($1::text[])', [
    foreign,
  ]);
  const stored = new Set(rows.map(({ id }) => id));
  for (const { id, digest } of named) {
    const first = firsts.get(nameOf(digest));
    if (first === undefined || own.has(first) || stored.has(first)) continue;
    firsts.set(nameOf(digest), id);
    await within.change('update submission_digests set message_id = $2 where digest = $1', [digest, id]);
  }
}

function nameOf(digest: Buffer): string {
  return digest.toString('latin1');
}

const claim = `
insert into submission_digests as known (digest, message_id, received_at)
select * from unnest($1::bytea[], $2::text[], $3::timestamptz[])
on conflict (digest) do update set
  message_id = case when excluded.received_at - known.received_at >= $4 * interval '1 ms' then excluded.message_id else known.message_id end,
  received_at = case when excluded.received_at - known.received_at >= $4 * interval '1 ms' then excluded.received_at else known.received_at end
returning digest, message_id`;
