import type { Clock } from '../../adapters/clock.ts';

/** Watches that PostgreSQL's clock, by which leases end, goes as time goes. */
export interface DatabaseClock {
  /** Tells what the clock said in a query that was asked and answered at these times of ours. */
  saw(at: Date, asked: { readonly fromMs: number; readonly toMs: number }): void;
  /** How much longer no lease may be believed to have ended; 0 unless the clock was put forward a while ago. */
  restMs(): number;
}

interface Watching {
  /** What leases protected may go on for so long: the longest request, and the settle time. */
  readonly mostMs: number;
  /** More than this is a step; a lease that ends so much sooner still ends in time. */
  readonly stepMs: number;
}

/** Opens a watch. */
export function watchDatabaseClock(
  { mostMs, stepMs }: Watching,
  clock: Pick<Clock, 'monotonicMs'>,
): DatabaseClock {
  let ahead: Ahead | undefined;
  let steppedMs = Number.NEGATIVE_INFINITY;
  return {
    saw: (at, { fromMs, toMs }) => {
      const seen = { least: at.getTime() - toMs, most: at.getTime() - fromMs };
      if (ahead && seen.least > ahead.most + stepMs) steppedMs = clock.monotonicMs();
      ahead = narrowed(ahead, seen);
    },
    restMs: () => Math.max(0, steppedMs + mostMs - clock.monotonicMs()),
  };
}

/** How far the database's clock is ahead of ours, as closely as the looks tell. */
interface Ahead {
  readonly least: number;
  readonly most: number;
}

function narrowed(known: Ahead | undefined, seen: Ahead): Ahead {
  if (!known) return seen;
  const both = { least: Math.max(known.least, seen.least), most: Math.min(known.most, seen.most) };
  return both.least <= both.most ? both : seen;
}
