import type { Log } from '../adapters/log.ts';
import type { Running } from './running.ts';

/** What serving needs of the process; `main.ts` passes the real one. */
export interface Signals {
  on(signal: 'SIGTERM' | 'SIGINT', hear: () => void): unknown;
  off(signal: 'SIGTERM' | 'SIGINT', hear: () => void): unknown;
}

/** Runs a service until SIGTERM or SIGINT, then stops it gracefully. A second signal ends the wait at once. */
export async function serve(
  start: () => Promise<Running>,
  log: Log,
  signals: Signals,
): Promise<'stopped' | 'forced'> {
  await using heard = listen(signals);
  const running = await start();
  log.info('started', { addresses: running.addresses });
  await heard.first;
  log.info('stopping');
  const end = await Promise.race([running.stop().then(() => 'stopped' as const), heard.second]);
  log.info(end);
  return end;
}

interface Heard extends AsyncDisposable {
  readonly first: Promise<void>;
  readonly second: Promise<'forced'>;
}

function listen(signals: Signals): Heard {
  const ears: (() => void)[] = [];
  const first = new Promise<void>((resolve) => ears.push(resolve));
  const second = new Promise<'forced'>((resolve) => ears.push(() => resolve('forced')));
  const hear = () => ears.shift()?.();
  signals.on('SIGTERM', hear);
  signals.on('SIGINT', hear);
  return {
    first,
    second,
    [Symbol.asyncDispose]: async () => {
      signals.off('SIGTERM', hear);
      signals.off('SIGINT', hear);
    },
  };
}
