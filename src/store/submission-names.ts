import type { Database } from '../adapters/postgres.ts';
import type { Id } from '../domain/id.ts';
import type { Submission } from '../domain/submission.ts';

/** A submission that its client named. */
export interface Named {
  /** Whose name it is, and the name. */
  readonly name: string;
  readonly digest: Buffer;
  readonly id: Id<'msg'>;
  readonly receivedAt: Date;
}

/** A message that a name stands for; a name has the places 0, 1, … */
export interface Bearer extends Named {
  readonly place: number;
}

/** Those of a batch that their client named. */
export function namedOf(submissions: readonly Submission[]): readonly Named[] {
  return submissions.flatMap(({ id, credentialId, receivedAt, dedupe }) =>
    dedupe
      ? [{ id, receivedAt, name: `${credentialId} ${dedupe.key}`, digest: Buffer.from(dedupe.digest) }]
      : [],
  );
}

/**
 * Takes the names for this transaction; another one that wants the same name waits for its end. They are taken in their order, so
 * that two batches never wait for each other. Gives those whose name stands for something already.
 */
export async function claimNames(within: Database, named: readonly Named[]): Promise<readonly Named[]> {
  if (named.length === 0) return [];
  const firsts = new Map(named.toReversed().map((one) => [one.name, one]));
  const ordered = [...firsts.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const rows = await within.query<{ id: Id<'msg'> }>(
    `insert into submission_names (name, place, digest, message_id, received_at)
     select name, 0, digest, id, received_at from unnest(${input}) as n (name, digest, id, received_at)
     on conflict (name, place) do nothing
     returning message_id as id`,
    columnsOf(ordered),
  );
  const taken = new Set(rows.map(({ id }) => id));
  return named.filter((one) => firsts.get(one.name) !== one || !taken.has(one.id));
}

/** What the names stand for, locked until the transaction ends. */
export async function findBearers(within: Database, named: readonly Named[]): Promise<Map<string, Bearer[]>> {
  const rows = await within.query<Bearer & Record<string, unknown>>(
    `select name, place, digest, message_id as id, received_at as "receivedAt" from submission_names
     where name = any($1::text[]) order by name, place for update`,
    [[...new Set(named.map(({ name }) => name))]],
  );
  const bearers = new Map<string, Bearer[]>();
  for (const row of rows) bearers.set(row.name, [...(bearers.get(row.name) ?? []), row]);
  return bearers;
}

/** Keeps what names stand for from now on; of two in one place the later holds. */
export async function keepBearers(within: Database, bearers: readonly Bearer[]): Promise<void> {
  const places = new Map(bearers.map((bearer) => [`${bearer.place} ${bearer.name}`, bearer]));
  if (places.size === 0) return;
  const kept = [...places.values()];
  await within.change(
    `insert into submission_names (name, place, digest, message_id, received_at)
     select name, place, digest, id, received_at
     from unnest(${input}, $5::integer[]) as n (name, digest, id, received_at, place)
     on conflict (name, place) do update set digest = excluded.digest, message_id = excluded.message_id,
       received_at = excluded.received_at, recorded_at = now()`,
    [...columnsOf(kept), kept.map(({ place }) => place)],
  );
}

const input = '$1::text[], $2::bytea[], $3::text[], $4::timestamptz[]';

function columnsOf(named: readonly Named[]): readonly (readonly unknown[])[] {
  return [
    named.map(({ name }) => name),
    named.map(({ digest }) => digest),
    named.map(({ id }) => id),
    named.map(({ receivedAt }) => receivedAt.toISOString()),
  ];
}
