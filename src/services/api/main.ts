import { systemClock } from '../../adapters/clock.ts';
import { openHttp } from '../../adapters/http.ts';
import { openLog } from '../../adapters/log.ts';
import { composeMessage, readAddresses } from '../../adapters/mime.ts';
import { openPostgres } from '../../adapters/postgres.ts';
import { systemRandom } from '../../adapters/random.ts';
import type { ApiConfig } from './room.ts';
import { startApi } from './start.ts';

const mostJwksBytes = 65_536;

/** Runs the api until `stop`, logging to stdout. Rejects when it cannot start. */
export async function main(config: ApiConfig, stop: AbortSignal): Promise<void> {
  const log = openLog('api', config.LOG_LEVEL, process.stdout);
  await using db = openPostgres({
    host: config.POSTGRES_HOST,
    port: config.POSTGRES_PORT,
    database: config.POSTGRES_DATABASE,
    user: config.POSTGRES_USER,
    password: config.POSTGRES_PASSWORD,
    poolSize: config.POSTGRES_POOL_SIZE,
    connectTimeoutMs: config.POSTGRES_CONNECT_TIMEOUT,
    statementTimeoutMs: config.POSTGRES_STATEMENT_TIMEOUT,
    applicationName: 'mailctl api',
  });
  await using http = openHttp({
    connections: 1,
    connectTimeoutMs: config.POSTAL_JWKS_TIMEOUT,
    mostAnswerBytes: mostJwksBytes,
    keepAlive: false,
  });
  const mime = { composeMessage, readAddresses };
  const running = await startApi(config, { clock: systemClock, random: systemRandom, log, db, http, mime });
  log.info('started', { addresses: running.addresses });
  await aborted(stop);
  log.info('stopping');
  await running.stop();
  log.info('stopped');
}

function aborted(stop: AbortSignal): Promise<void> {
  if (stop.aborted) return Promise.resolve();
  return new Promise((resolve) => stop.addEventListener('abort', () => resolve(), { once: true }));
}
