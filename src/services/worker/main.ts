import { systemClock } from '../../adapters/clock.ts';
import { openLog } from '../../adapters/log.ts';
import { mariadbAt } from '../../adapters/mariadb.ts';
import { openPostgres } from '../../adapters/postgres.ts';
import { systemRandom } from '../../adapters/random.ts';
import type { ConfigOf } from '../../config/environment.ts';
import { postgresAddress } from '../../config/postgres-address.ts';
import { serve } from '../serve.ts';
import { lookUpAtPostal, postalDatabaseAddress } from './look-up.ts';
import { startWorker } from './start.ts';

/** Runs the worker until `stop`, logging to stdout. Rejects when it cannot start. */
export async function main(config: ConfigOf<'worker'>, stop: AbortSignal): Promise<void> {
  const log = openLog('worker', config.LOG_LEVEL, process.stdout);
  await using db = openPostgres(postgresAddress(config, 'mailctl worker'));
  const postalDatabase = postalDatabaseAddress(config);
  const world = {
    db,
    clock: systemClock,
    random: systemRandom,
    log,
    ...(postalDatabase && { lookUp: lookUpAtPostal(mariadbAt(postalDatabase), config) }),
  };
  await serve(() => startWorker(config, world), log, stop);
}
