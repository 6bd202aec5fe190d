import type { Database } from '../adapters/postgres.ts';
import type { Id } from '../domain/id.ts';
import type { Submission } from '../domain/submission.ts';
import {
  type Bearer,
  claimNames,
  findBearers,
  keepBearers,
  type Named,
  namedOf,
} from './submission-names.ts';

/** Ids with the id of another message. */
export type OtherIds = ReadonlyMap<Id<'msg'>, Id<'msg'>>;

/** What of a batch is not simply new. */
export interface Recognised {
  /** Submissions that were sent again, with the first: another name of a message which is stored or is about to be. */
  readonly aliases: OtherIds;
  /** New messages whose name their client had given another one within the window, with the latest such. */
  readonly sameName: OtherIds;
}

/**
 * Decides, inside the transaction that stores the batch, which submissions are messages that were sent again within `windowMs`, whichever
 * relay received them and in whatever order they arrive, and which have the name of another message: of two that arrive at the same
 * moment in two batches the one that comes second. One that is stored already, or is an alias already, keeps what it is.
 */
export async function recogniseResubmissions(
  within: Database,
  submissions: readonly Submission[],
  windowMs: number,
): Promise<Recognised> {
  const named = namedOf(submissions);
  const contested = await claimNames(within, named);
  if (contested.length === 0) return { aliases: new Map(), sameName: new Map() };
  const bearers = await findBearers(within, contested);
  const ids = new Set([...contested, ...[...bearers.values()].flat()].map(({ id }) => id));
  const known = await knownIds(within, [...ids]);
  const fresh = named.filter((one) => !contested.includes(one)).map(({ id }) => id);
  const decision: Decision = {
    windowMs,
    bearers,
    known,
    coming: new Set(fresh),
    aliases: new Map(),
    sameName: new Map(),
  };
  const changed = contested.flatMap((one) => decide(decision, one));
  await keepBearers(within, changed);
  return decision;
}

/** Keeps aliases, once the messages they lead to are stored. */
export async function insertAliases(within: Database, aliases: OtherIds): Promise<void> {
  if (aliases.size === 0) return;
  await within.change(
    `insert into message_aliases (alias, message_id)
     select a.alias, a.id from unnest($1::text[], $2::text[]) as a (alias, id) join messages m on m.id = a.id
     on conflict (alias) do nothing`,
    [[...aliases.keys()], [...aliases.values()]],
  );
}

interface Decision {
  readonly windowMs: number;
  readonly bearers: Map<string, Bearer[]>;
  /** Stored messages with their own id, aliases with that of their message. */
  readonly known: OtherIds;
  /** Of this batch, about to be stored. */
  readonly coming: Set<Id<'msg'>>;
  readonly aliases: Map<Id<'msg'>, Id<'msg'>>;
  readonly sameName: Map<Id<'msg'>, Id<'msg'>>;
}

/** Takes a submission whose name is borne already; gives what is to be kept of it. */
function decide(decision: Decision, one: Named): readonly Bearer[] {
  const { known, aliases, coming, bearers } = decision;
  const before = known.get(one.id);
  if (before !== undefined) {
    if (before !== one.id) aliases.set(one.id, before);
    return [];
  }
  const others = bearers.get(one.name) ?? [];
  const same = others.find(({ digest }) => digest.equals(one.digest));
  if (same && same.id !== one.id && isNear(decision, one, same) && !isLost(decision, same)) {
    aliases.set(one.id, same.id);
    return [];
  }
  coming.add(one.id);
  noteSameName(decision, one, others);
  return bear(decision, one, same);
}

/** Where the first message is not there any more, or is older than the window, the one sent again takes its place. */
function bear(decision: Decision, one: Named, same: Bearer | undefined): readonly Bearer[] {
  const others = decision.bearers.get(one.name) ?? [];
  if (same?.id === one.id) return [];
  if (same && !isNear(decision, one, same) && one.receivedAt < same.receivedAt) return [];
  const place = same?.place ?? Math.max(-1, ...others.map((other) => other.place)) + 1;
  const bearer = { ...one, place };
  decision.bearers.set(one.name, [...others.filter((other) => other !== same), bearer]);
  return [bearer];
}

function noteSameName(decision: Decision, one: Named, others: readonly Bearer[]): void {
  const near = others.filter((other) => !other.digest.equals(one.digest) && isNear(decision, one, other));
  const latest = near.toSorted((a, b) => a.receivedAt.getTime() - b.receivedAt.getTime()).at(-1);
  if (latest) decision.sameName.set(one.id, latest.id);
}

function isNear({ windowMs }: Decision, one: Named, other: Named): boolean {
  return Math.abs(one.receivedAt.getTime() - other.receivedAt.getTime()) < windowMs;
}

/** An alias of nothing would be a lost message. */
function isLost({ known, coming }: Decision, { id }: Bearer): boolean {
  return known.get(id) !== id && !coming.has(id);
}

/** Asked after the names are locked, so that what another batch has just stored is seen. */
async function knownIds(within: Database, ids: readonly Id<'msg'>[]): Promise<OtherIds> {
  const rows = await within.query<{ id: Id<'msg'>; first: Id<'msg'> }>(
    `select id, id as first from messages where id = any($1::text[])
     union all select alias, message_id from message_aliases where alias = any($1::text[])`,
    [ids],
  );
  return new Map(rows.map(({ id, first }) => [id, first]));
}
