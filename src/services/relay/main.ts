import { systemClock } from '../../adapters/clock.ts';
import { ownDirectory } from '../../adapters/directory-owner.ts';
import { systemDisk } from '../../adapters/disk.ts';
import { openHttp } from '../../adapters/http.ts';
import { openLog } from '../../adapters/log.ts';
import { systemRandom } from '../../adapters/random.ts';
import { openRedis, type Redis } from '../../adapters/redis.ts';
import { serve } from '../serve.ts';
import type { RelayConfig, RelayWorld } from './room.ts';
import { type RunningRelay, startRelay } from './start.ts';

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
  await serve(() => startReloading(config, world), log, stop);
}

async function startReloading(config: RelayConfig, world: RelayWorld): Promise<RunningRelay> {
  const running = await startRelay(config, world);
  process.on('SIGHUP', () => void running.reload());
  return running;
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
