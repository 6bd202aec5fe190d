import { systemClock } from '../../adapters/clock.ts';
import { openHttp } from '../../adapters/http.ts';
import { openLog } from '../../adapters/log.ts';
import { composeMessage, readAddresses } from '../../adapters/mime.ts';
import { openPostgres } from '../../adapters/postgres.ts';
import { systemRandom } from '../../adapters/random.ts';
import { openRedis } from '../../adapters/redis.ts';
import { postgresAddress } from '../../config/postgres-address.ts';
import { redisAddress } from '../../config/redis-address.ts';
import { serve } from '../serve.ts';
import type { ApiConfig } from './room.ts';
import { startApi } from './start.ts';

const mostJwksBytes = 65_536;

/** Runs the api until `stop`, logging to stdout. Rejects when it cannot start. */
export async function main(config: ApiConfig, stop: AbortSignal): Promise<void> {
  const log = openLog('api', config.LOG_LEVEL, process.stdout);
  await using db = openPostgres(postgresAddress(config, 'mailctl api'));
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
  await serve(() => startApi(config, world), log, stop);
}
