/** How many sets of each kind are kept; of an hour, day … it is the newest. */
export interface KeepRules {
  readonly last: number;
  readonly hourly: number;
  readonly daily: number;
  readonly weekly: number;
  readonly monthly: number;
  readonly yearly: number;
}

/** A set as retention sees it. */
export interface DatedSet {
  readonly id: string;
  readonly at: Date;
  /** Proven by restoring; the newest such set is never let go. */
  readonly proven: boolean;
}

/** A set with why it is kept; none where it may go. */
export interface Verdict {
  readonly id: string;
  readonly keptAs: readonly string[];
}

type Period = Exclude<keyof KeepRules, 'last'>;

const periods: Readonly<Record<Period, (at: Date) => string>> = {
  hourly: (at) => at.toISOString().slice(0, 13),
  daily: (at) => at.toISOString().slice(0, 10),
  weekly: weekOf,
  monthly: (at) => at.toISOString().slice(0, 7),
  yearly: (at) => at.toISOString().slice(0, 4),
};

/** Judges all sets, newest first. The newest proven set and, where none is proven, the newest of all stay whatever the rules say. */
export function judgeSets(sets: readonly DatedSet[], rules: KeepRules): readonly Verdict[] {
  const newestFirst = sets.toSorted((a, b) => b.at.getTime() - a.at.getTime() || (a.id < b.id ? 1 : -1));
  const reasons = new Map<string, string[]>(newestFirst.map(({ id }) => [id, []]));
  const keep = (id: string | undefined, why: string) => id !== undefined && reasons.get(id)?.push(why);
  for (const { id } of newestFirst.slice(0, rules.last)) keep(id, 'last');
  for (const [period, nameOf] of Object.entries(periods)) {
    for (const id of newestOfEach(newestFirst, nameOf, rules[period as Period])) keep(id, period);
  }
  const proven = newestFirst.find((set) => set.proven);
  keep(proven?.id ?? newestFirst[0]?.id, proven ? 'newest proven' : 'newest');
  return newestFirst.map(({ id }) => ({ id, keptAs: reasons.get(id) ?? [] }));
}

function newestOfEach(
  newestFirst: readonly DatedSet[],
  nameOf: (at: Date) => string,
  count: number,
): readonly string[] {
  const first = new Map<string, string>();
  for (const { id, at } of newestFirst) if (!first.has(nameOf(at))) first.set(nameOf(at), id);
  return [...first.values()].slice(0, count);
}

const dayMs = 86_400_000;

/** The Monday that a day's week begins with (ISO 8601), in UTC. */
function weekOf(at: Date): string {
  const sinceMonday = (at.getUTCDay() + 6) % 7;
  return new Date(at.getTime() - sinceMonday * dayMs).toISOString().slice(0, 10);
}
