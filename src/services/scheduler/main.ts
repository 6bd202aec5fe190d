import { hostname } from 'node:os';

import { systemClock } from '../../adapters/clock.ts';
import { ownDirectory } from '../../adapters/directory-owner.ts';
import { openFiles } from '../../adapters/files.ts';
import { openLog } from '../../adapters/log.ts';
import { runOwnProgram } from '../../adapters/own-program.ts';
import { systemRandom } from '../../adapters/random.ts';
import { serve } from '../serve.ts';
import type { SchedulerConfig } from './room.ts';
import { startScheduler } from './start.ts';

/** Runs the timetable of the folder `dir` until `stop`, logging to stdout. */
export async function main(config: SchedulerConfig, dir: string, stop: AbortSignal): Promise<void> {
  const log = openLog('scheduler', config.LOG_LEVEL, process.stdout);
  const world = {
    dir,
    clock: systemClock,
    random: systemRandom,
    seed: `${hostname()} ${dir}`,
    log,
    files: openFiles(process.getuid?.()),
    own: ownDirectory,
    mailctl: runOwnProgram,
  };
  await serve(() => startScheduler(config, world), log, stop);
}
