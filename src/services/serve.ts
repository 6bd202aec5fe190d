import { once } from 'node:events';

import type { Log } from '../adapters/log.ts';
import type { Running } from './running.ts';

/**
 * Runs a service until `stop` is aborted, which the program does at the first SIGTERM or SIGINT, then stops it gracefully.
 * A second signal ends the process at once, whatever is still in flight.
 */
export async function serve(start: () => Promise<Running>, log: Log, stop: AbortSignal): Promise<void> {
  const running = await start();
  log.info('started', { addresses: running.addresses });
  if (!stop.aborted) await once(stop, 'abort');
  log.info('stopping', { signal: stop.reason });
  await running.stop();
  log.info('stopped');
}
