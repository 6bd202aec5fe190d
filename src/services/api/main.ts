import { hostname } from 'node:os';

import { systemClock } from '../../adapters/clock.ts';
import { openHttp } from '../../adapters/http.ts';
import { openLog } from '../../adapters/log.ts';
import { composeMessage, readAddresses } from '../../adapters/mime.ts';
import { systemRandom } from '../../adapters/random.ts';
import { openRedis } from '../../adapters/redis.ts';
import { openRenewingPostgres } from '../../adapters/renewing-postgres.ts';
import type { Live } from '../../config/live.ts';
import { postgresAddress } from '../../config/postgres-address.ts';
import { redisAddress } from '../../config/redis-address.ts';
import { reachDatabase } from '../../store/reachable.ts';
import { recordHolder } from '../../store/secret-uses.ts';
import { keepSecretsFresh, postgresLogin, redisLogin, renewAll } from '../fresh-secrets.ts';
import { takeNice } from '../nice.ts';
import { serve } from '../serve.ts';
import { startApi } from './start.ts';

const mostJwksBytes = 65_536;

/** Runs the api until `stop`, logging to stdout; SIGHUP makes it look for replaced secrets at once. Rejects when it cannot start. */
export async function main({ config, reread, held }: Live<'api'>, stop: AbortSignal): Promise<void> {
  const log = openLog('api', config.LOG_LEVEL, process.stdout);
  takeNice(config.API_NICE, log);
  await using db = openRenewingPostgres(() => postgresAddress(config, 'mailctl api'), reachDatabase);
  await using http = openHttp({
    connections: 1,
    connectTimeoutMs: config.POSTAL_JWKS_TIMEOUT,
    mostAnswerBytes: mostJwksBytes,
    keepAlive: false,
  });
  const shared = redisAddress(config);
  await using redis = shared && (await openRedis(shared));
  const mime = { composeMessage, readAddresses };
  const world = { clock: systemClock, random: systemRandom, log, db, http, mime, redis };
  const renew = () => renewAll([postgresLogin(db), redisLogin(redis, config)]);
  const holder = `api ${hostname()} ${process.pid}`;
  const report = (works: ReadonlyMap<string, string>) => recordHolder(db, holder, works);
  const intervalMs = config.SECRETS_RELOAD_INTERVAL;
  await using fresh = keepSecretsFresh({ ...world, intervalMs, reread, held, renew, report });
  process.on('SIGHUP', fresh.look);
  await serve(() => startApi(config, world), log, stop);
}
