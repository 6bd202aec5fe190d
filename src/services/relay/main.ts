import { systemClock } from '../../adapters/clock.ts';
import { ownDirectory } from '../../adapters/directory-owner.ts';
import { systemDisk } from '../../adapters/disk.ts';
import { openHttp } from '../../adapters/http.ts';
import { openLog } from '../../adapters/log.ts';
import { systemRandom } from '../../adapters/random.ts';
import { openRedis, type Redis } from '../../adapters/redis.ts';
import type { RelayConfig } from './room.ts';
import { startRelay } from './start.ts';

const mostAnswerBytes = 1024 ** 2;

/** Runs the relay until `stop`, logging to stdout; SIGHUP reads the certificate again. Rejects when it cannot start. */
export async function main(config: RelayConfig, stop: AbortSignal): Promise<void> {
  const log = openLog('relay', config.LOG_LEVEL, process.stdout);
  await using http = openHttp({
    connections: config.RELAY_API_CONNECTIONS,
    connectTimeoutMs: config.API_INTERNAL_TIMEOUT,
    mostAnswerBytes,
    keepAlive: true,
  });
  await using redis = await connectRedis(config);
  const adapters = { clock: systemClock, random: systemRandom, disk: systemDisk, own: ownDirectory };
  const world = { ...adapters, log, http, redis };
  const running = await startRelay(config, world);
  process.on('SIGHUP', () => void running.reload());
  log.info('started', { addresses: running.addresses });
  await aborted(stop);
  log.info('stopping');
  await running.stop();
  log.info('stopped');
}

async function connectRedis(config: RelayConfig): Promise<Redis | undefined> {
  if (config.REDIS_URL === undefined) return undefined;
  return openRedis({
    url: config.REDIS_URL,
    password: config.REDIS_PASSWORD,
    timeoutMs: config.REDIS_TIMEOUT,
    retryMs: config.REDIS_RETRY_DELAY,
  });
}

function aborted(stop: AbortSignal): Promise<void> {
  if (stop.aborted) return Promise.resolve();
  return new Promise((resolve) => stop.addEventListener('abort', () => resolve(), { once: true }));
}
