import type { Database } from '../adapters/postgres.ts';
import type { Id } from '../domain/id.ts';
import type { Submission } from '../domain/submission.ts';

/** Ids that are another name of a message which is stored or is about to be, with that message's id. */
export type Aliases = ReadonlyMap<Id<'msg'>, Id<'msg'>>;

/** A submission that its client named. */
interface Named {
  readonly id: Id<'msg'>;
  readonly credentialId: string;
  readonly key: string;
  readonly digest: Buffer;
  readonly receivedAt: Date;
}

/** Whose a digest is. */
interface Claim {
  readonly id: Id<'msg'>;
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
  const named = namedOf(submissions);
  if (named.length === 0) return new Map();
  const known = await knownIds(within, named);
  const fresh = named.filter(({ id }) => !known.has(id));
  const own = new Set(fresh.map(({ id }) => id));
  const aliases = new Map([...known].filter(([id, first]) => id !== first));
  for (const round of roundsOf(fresh)) {
    const again = await claimDigests(within, round, windowMs);
    const lost = await lostOf(
      within,
      [...again.values()].filter((first) => !own.has(first)),
    );
    for (const one of round) {
      const first = again.get(one.id);
      if (first === undefined) continue;
      if (lost.has(first)) await takeOver(within, one);
      else aliases.set(one.id, first);
    }
  }
  return aliases;
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

/**
 * Submissions whose client had given the same name to another message within `windowMs` before, with the latest such message. Asked
 * after `recogniseResubmissions`, in its transaction.
 */
export async function findReusedNames(
  within: Database,
  submissions: readonly Submission[],
  windowMs: number,
): Promise<Aliases> {
  const named = namedOf(submissions);
  if (named.length === 0) return new Map();
  const rows = await within.query<{ id: Id<'msg'>; other: Id<'msg'> | null }>(reused, [
    ...columnsOf(named),
    windowMs,
  ]);
  return new Map(rows.flatMap(({ id, other }) => (other === null ? [] : [[id, other] as const])));
}

function namedOf(submissions: readonly Submission[]): readonly Named[] {
  return submissions.flatMap(({ id, credentialId, receivedAt, dedupe }) =>
    dedupe ? [{ id, credentialId, receivedAt, key: dedupe.key, digest: Buffer.from(dedupe.digest) }] : [],
  );
}

async function knownIds(within: Database, named: readonly Named[]): Promise<Aliases> {
  const rows = await within.query<{ id: Id<'msg'>; first: Id<'msg'> }>(
    `select id, id as first from messages where id = any($1::text[])
     union all select alias, message_id from message_aliases where alias = any($1::text[])`,
    [named.map(({ id }) => id)],
  );
  return new Map(rows.map(({ id, first }) => [id, first]));
}

/** One statement can claim a digest once: what a batch holds twice waits for the next round. */
function roundsOf(named: readonly Named[]): readonly (readonly Named[])[] {
  const rounds: Named[][] = [];
  const turns = new Map<string, number>();
  for (const one of named) {
    const turn = turns.get(nameOf(one.digest)) ?? 0;
    turns.set(nameOf(one.digest), turn + 1);
    (rounds[turn] ??= []).push(one);
  }
  return rounds;
}

/** Locks digests in their order, so that two batches never wait for each other; gives those that are another's within the window. */
async function claimDigests(within: Database, round: readonly Named[], windowMs: number): Promise<Aliases> {
  const ordered = round.toSorted((one, other) => one.digest.compare(other.digest));
  const rows = await within.query<Claim & { digest: Buffer } & Record<string, unknown>>(claim, [
    ...columnsOf(ordered),
    windowMs,
  ]);
  const claims = new Map(rows.map((row) => [nameOf(row.digest), row]));
  return new Map(
    round.flatMap((one) => {
      const first = claims.get(nameOf(one.digest));
      return first && isAgain(one, first, windowMs) ? [[one.id, first.id] as const] : [];
    }),
  );
}

function isAgain(one: Named, first: Claim, windowMs: number): boolean {
  const apartMs = Math.abs(one.receivedAt.getTime() - first.receivedAt.getTime());
  return first.id !== one.id && apartMs < windowMs;
}

/** Asked after the digests are locked, so that what another batch has just stored is seen. */
async function lostOf(within: Database, ids: readonly Id<'msg'>[]): Promise<ReadonlySet<Id<'msg'>>> {
  if (ids.length === 0) return new Set();
  const rows = await within.query<{ id: Id<'msg'> }>('select id from messages where id = any($1::text[])', [
    ids,
  ]);
  const stored = new Set(rows.map(({ id }) => id));
  return new Set(ids.filter((id) => !stored.has(id)));
}

/** Where the first message is not there any more, the one sent again takes its place: an alias of nothing would be a lost message. */
async function takeOver(within: Database, { digest, id, receivedAt }: Named): Promise<void> {
  await within.change(
    'update submission_digests set message_id = $2, received_at = $3, recorded_at = now() where digest = $1',
    [digest, id, receivedAt],
  );
}

function nameOf(digest: Buffer): string {
  return digest.toString('latin1');
}

function columnsOf(named: readonly Named[]): readonly (readonly unknown[])[] {
  return [
    named.map(({ digest }) => digest),
    named.map(({ id }) => id),
    named.map(({ receivedAt }) => receivedAt),
    named.map(({ credentialId }) => credentialId),
    named.map(({ key }) => key),
  ];
}

const input = '$1::bytea[], $2::text[], $3::timestamptz[], $4::text[], $5::text[]';
const isNewer = `excluded.received_at - known.received_at >= $6 * interval '1 ms'`;

const claim = `
insert into submission_digests as known (digest, message_id, received_at, credential_id, key)
select * from unnest(${input})
on conflict (digest) do update set
  message_id = case when ${isNewer} then excluded.message_id else known.message_id end,
  received_at = case when ${isNewer} then excluded.received_at else known.received_at end,
  recorded_at = case when ${isNewer} then now() else known.recorded_at end
returning digest, message_id as id, received_at as "receivedAt"`;

const reused = `
select n.id, (
  select d.message_id from submission_digests d
  where d.credential_id = n.credential_id and d.key = n.key and d.digest <> n.digest
    and d.received_at > n.received_at - $6 * interval '1 ms' and (d.received_at, d.message_id) < (n.received_at, n.id)
  order by d.received_at desc limit 1
) as other
from unnest(${input}) as n (digest, id, received_at, credential_id, key)`;
