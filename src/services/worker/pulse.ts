import type { Clock } from '../../adapters/clock.ts';

/** Watches that Postal runs. A frozen one has not worked on what it was sent, however long that was ago. */
export interface Pulse {
  /** How much longer it has to be watched until it has run for the settle time; 0 when it has. Whoever asks begins the watch. */
  restMs(): number;
  /** Ends the watch after the beat in hand. */
  stop(): Promise<void>;
}

interface PulseSettings {
  /** Asks Postal for anything; true when it answered, whatever it said. */
  readonly beat: () => Promise<boolean>;
  readonly settleMs: number;
  /** Shortest time from beat to beat. */
  readonly leastMs: number;
}

/** Opens a watch that rests while nobody asks. A pause of three beats is the longest that can go unseen, so that much is added. */
export function openPulse({ beat, settleMs, leastMs }: PulseSettings, clock: Clock): Pulse {
  const everyMs = Math.max(leastMs, settleMs / 10);
  const neededMs = settleMs + 3 * everyMs;
  const stopping = new AbortController();
  let steady: Steady | undefined;
  let wantedUntilMs = Number.NEGATIVE_INFINITY;
  let watching: Promise<void> | undefined;
  const watch = async (): Promise<void> => {
    while (!stopping.signal.aborted && clock.monotonicMs() < wantedUntilMs) {
      const askedMs = clock.monotonicMs();
      const isAlive = await beat();
      const answeredMs = clock.monotonicMs();
      steady = isAlive ? goOn(steady, { askedMs, answeredMs }, everyMs) : undefined;
      await clock.sleep(everyMs, stopping.signal);
    }
    watching = undefined;
  };
  return {
    restMs: () => {
      const nowMs = clock.monotonicMs();
      wantedUntilMs = nowMs + 3 * neededMs;
      watching ??= watch();
      if (!steady || nowMs - steady.lastMs > 2 * everyMs) return neededMs;
      return Math.max(0, neededMs - (steady.lastMs - steady.sinceMs));
    },
    stop: async () => {
      stopping.abort();
      await watching;
    },
  };
}

/** From when to when Postal answered without a pause. */
interface Steady {
  readonly sinceMs: number;
  readonly lastMs: number;
}

interface Beat {
  readonly askedMs: number;
  readonly answeredMs: number;
}

/** A late answer, or a beat that we ourselves were late with, hides a pause. */
function goOn(steady: Steady | undefined, { askedMs, answeredMs }: Beat, everyMs: number): Steady {
  const isLate = answeredMs - askedMs > everyMs;
  const isSteady = steady && !isLate && askedMs - steady.lastMs <= 2 * everyMs;
  return { sinceMs: isSteady ? steady.sinceMs : answeredMs, lastMs: answeredMs };
}
