/** One table of a mail server's in which Postal keeps the bodies of a day. */
export interface BodyTable {
  readonly name: string;
  /** The UTC day of its name, at midnight. */
  readonly day: Date;
  readonly bytes: number;
  /** Messages of it that wait in Postal's queue. */
  readonly queued: number;
}

/** What Postal keeps of a mail server's bodies; null is without a limit. */
export interface BodyRetention {
  readonly days: number | null;
  readonly mostBytes: number | null;
}

/** Bodies of queued mail that Postal is going to drop. */
export interface BodiesAtRisk {
  readonly table: string;
  readonly queued: number;
  readonly dropped_at: string;
  readonly why: 'days' | 'size';
}

const dayMs = 86_400_000;
/** The hour in UTC at which Postal drops what it keeps no longer. */
const dropHour = 3;
const lookBackDays = 7;

/**
 * The tables with queued mail that Postal drops within `aheadMs`: for their age, or, oldest first, because all of them together are
 * larger than they may be. That size is taken to grow by as much a day as it did on the busiest of the last seven.
 */
export function bodiesAtRisk(
  tables: readonly BodyTable[],
  { days, mostBytes }: BodyRetention,
  { now, aheadMs }: { readonly now: Date; readonly aheadMs: number },
): readonly BodiesAtRisk[] {
  const kept = tables.toSorted((one, other) => one.day.getTime() - other.day.getTime());
  const growth = growthOf(tables, now);
  const found: BodiesAtRisk[] = [];
  for (let drop = nextDrop(now), round = 0; drop.getTime() <= now.getTime() + aheadMs; round += 1) {
    const gone = (why: BodiesAtRisk['why']) => {
      const table = kept.shift();
      if (table && table.queued > 0)
        found.push({ table: table.name, queued: table.queued, dropped_at: drop.toISOString(), why });
    };
    const isOld = (table: BodyTable) => days !== null && ageOf(table, drop) > days;
    const isTooMuch = () => mostBytes !== null && sizeOf(kept) + growth * round > mostBytes;
    while (kept[0] && isOld(kept[0])) gone('days');
    while (kept[0] && isTooMuch()) gone('size');
    drop = new Date(drop.getTime() + dayMs);
  }
  return found;
}

function nextDrop(now: Date): Date {
  const today = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate(), dropHour));
  return today > now ? today : new Date(today.getTime() + dayMs);
}

/** Postal compares dates: the day of the drop with that of the table. */
function ageOf({ day }: BodyTable, drop: Date): number {
  return Math.floor((drop.getTime() - day.getTime()) / dayMs);
}

function sizeOf(tables: readonly BodyTable[]): number {
  return tables.reduce((sum, { bytes }) => sum + bytes, 0);
}

function growthOf(tables: readonly BodyTable[], now: Date): number {
  const recent = tables.filter(({ day }) => now.getTime() - day.getTime() <= lookBackDays * dayMs);
  return Math.max(0, ...recent.map(({ bytes }) => bytes));
}
