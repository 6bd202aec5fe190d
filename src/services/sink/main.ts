import { systemClock } from '../../adapters/clock.ts';
import { openLog } from '../../adapters/log.ts';
import { serve } from '../serve.ts';
import type { SinkConfig } from './room.ts';
import { startSink } from './start.ts';

/** Runs the sink until `stop`, logging to stdout. Rejects when it cannot start. */
export async function main(config: SinkConfig, stop: AbortSignal): Promise<void> {
  const log = openLog('sink', config.LOG_LEVEL, process.stdout);
  await serve(() => startSink(config, { clock: systemClock, log }), log, stop);
}
