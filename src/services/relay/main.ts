import { hostname } from 'node:os';

import { systemClock } from '../../adapters/clock.ts';
import { ownDirectory } from '../../adapters/directory-owner.ts';
import { systemDisk } from '../../adapters/disk.ts';
import { gatherLines } from '../../adapters/gathered-lines.ts';
import { openHttp } from '../../adapters/http.ts';
import { openLog } from '../../adapters/log.ts';
import { systemRandom } from '../../adapters/random.ts';
import { openRedis } from '../../adapters/redis.ts';
import type { Live } from '../../config/live.ts';
import { redisAddress } from '../../config/redis-address.ts';
import { keepSecretsFresh, redisLogin, renewAll, type SecretWatch } from '../fresh-secrets.ts';
import { takeNice } from '../nice.ts';
import { serve } from '../serve.ts';
import { askingWithRenewedToken } from './renewed-token.ts';
import { reportHeld } from './report-held.ts';
import type { RelayConfig, RelayWorld } from './room.ts';
import { type RunningRelay, startRelay } from './start.ts';

const mostAnswerBytes = 1024 ** 2;

/** Runs the relay until `stop`, logging to stdout; SIGHUP reads the certificate and the secrets again. Rejects when it cannot start. */
export async function main({ config, reread, held }: Live<'relay'>, stop: AbortSignal): Promise<void> {
  const log = openLog('relay', config.LOG_LEVEL, gatherLines(process.stdout));
  takeNice(config.RELAY_NICE, log);
  await using http = openHttp({
    connections: config.RELAY_API_CONNECTIONS,
    connectTimeoutMs: config.API_INTERNAL_TIMEOUT,
    mostAnswerBytes,
    keepAlive: true,
  });
  const shared = redisAddress(config);
  await using redis = shared && (await openRedis(shared));
  const adapters = { clock: systemClock, random: systemRandom, disk: systemDisk, own: ownDirectory };
  await using fresh = keepSecretsFresh({
    ...adapters,
    log,
    intervalMs: config.SECRETS_RELOAD_INTERVAL,
    reread,
    held,
    renew: () => renewAll([redisLogin(redis, config)]),
    report: (works) => reportHeld({ http, config }, `relay ${hostname()} ${process.pid}`, works),
  });
  const renewing = askingWithRenewedToken(http, { ...adapters, config, looked: fresh.looked });
  const world = { ...adapters, log, http: renewing, redis };
  await serve(() => startReloading(config, world, fresh), log, stop);
}

async function startReloading(
  config: RelayConfig,
  world: RelayWorld,
  fresh: SecretWatch,
): Promise<RunningRelay> {
  const running = await startRelay(config, world);
  process.on('SIGHUP', () => {
    fresh.look();
    void running.reload();
  });
  return running;
}
