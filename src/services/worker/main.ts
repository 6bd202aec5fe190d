import { hostname } from 'node:os';

import { systemClock } from '../../adapters/clock.ts';
import { openLog } from '../../adapters/log.ts';
import { type Mariadb, mariadbAt } from '../../adapters/mariadb.ts';
import { systemRandom } from '../../adapters/random.ts';
import { openRenewingPostgres } from '../../adapters/renewing-postgres.ts';
import type { ConfigOf } from '../../config/environment.ts';
import type { Live } from '../../config/live.ts';
import { postalDatabaseAddress } from '../../config/postal-database-address.ts';
import { postgresAddress } from '../../config/postgres-address.ts';
import { reachDatabase } from '../../store/reachable.ts';
import { recordHolder } from '../../store/secret-uses.ts';
import { keepSecretsFresh, postgresLogin, renewAll } from '../fresh-secrets.ts';
import { takeNice } from '../nice.ts';
import { serve } from '../serve.ts';
import { lookUpAtPostal } from './look-up.ts';
import { startWorker } from './start.ts';

/** Runs the worker until `stop`, logging to stdout; SIGHUP makes it look for replaced secrets at once. Rejects when it cannot start. */
export async function main({ config, reread, held }: Live<'worker'>, stop: AbortSignal): Promise<void> {
  const log = openLog('worker', config.LOG_LEVEL, process.stdout);
  takeNice(config.WORKER_NICE, log);
  await using db = openRenewingPostgres(() => postgresAddress(config, 'mailctl worker'), reachDatabase);
  const postalDatabase = postalDatabaseNow(config);
  const world = {
    db,
    clock: systemClock,
    random: systemRandom,
    log,
    ...(postalDatabase && { postalDatabase, lookUp: lookUpAtPostal(postalDatabase, config) }),
  };
  const intervalMs = config.SECRETS_RELOAD_INTERVAL;
  const report = (works: ReadonlyMap<string, string>) =>
    recordHolder(db, `worker ${hostname()} ${process.pid}`, works);
  const renew = () => renewAll([postgresLogin(db)]);
  await using fresh = keepSecretsFresh({ ...world, intervalMs, reread, held, renew, report });
  process.on('SIGHUP', fresh.look);
  await serve(() => startWorker(config, world), log, stop);
}

/** Each session logs in with what the configuration says at that moment; undefined where there is no access. */
function postalDatabaseNow(config: ConfigOf<'worker'>): Mariadb | undefined {
  if (!postalDatabaseAddress(config)) return undefined;
  return {
    session: (work) => {
      const address = postalDatabaseAddress(config);
      if (!address) throw new TypeError('a rotating variable was taken away');
      return mariadbAt(address).session(work);
    },
  };
}
