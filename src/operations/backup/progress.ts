import type { Workplace } from './workplace.ts';

interface Going {
  readonly name: string;
  readonly expected: number | undefined;
  bytes(): number;
}

/** Tells of rate and time left until it is disposed. */
export function shownRate(
  { world, tell, config }: Pick<Workplace, 'world' | 'tell' | 'config'>,
  going: Going,
): AsyncDisposable {
  const over = new AbortController();
  const start = world.clock.monotonicMs();
  const talking = (async () => {
    while (!over.signal.aborted) {
      await world.clock.sleep(config.BACKUP_PROGRESS_INTERVAL, over.signal);
      if (!over.signal.aborted) tell(rateOf(going, (world.clock.monotonicMs() - start) / 1000));
    }
  })();
  return {
    [Symbol.asyncDispose]: async () => {
      over.abort();
      await talking;
    },
  };
}

/** `postgres: 512 MB, 80 MB/s, 6 s left`. */
function rateOf({ name, expected, bytes }: Going, seconds: number): string {
  const rate = bytes() / Math.max(seconds, 0.001);
  const left = expected === undefined || rate === 0 ? undefined : Math.max(0, (expected - bytes()) / rate);
  const rest = left === undefined ? '' : `, ${Math.ceil(left)} s left`;
  return `${name}: ${sizeText(bytes())}, ${sizeText(rate)}/s${rest}`;
}

const units = ['B', 'KB', 'MB', 'GB', 'TB'];

/** Octets as a person reads them: `1.5 GB` (powers of 1024). */
export function sizeText(bytes: number): string {
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}
