import { join } from 'node:path';

import { awaitWords, engineFolder, startLeashed } from './leash.ts';
import { findProgram } from './programs.ts';
import { redisDatabases } from './redis-address.ts';
import type { RunningEngine } from './running-engine.ts';

const redisServer = { program: 'redis-server', debianPackage: 'redis-server', folder: 'usr/bin' } as const;

/** A Redis on a unix socket that keeps nothing. */
export async function startRedisEngine(): Promise<RunningEngine> {
  const { path, libraries } = await findProgram(redisServer);
  const folder = await engineFolder('redis');
  const socket = join(folder, 'socket');
  const settings = {
    port: '0',
    unixsocket: socket,
    save: '',
    appendonly: 'no',
    databases: `${redisDatabases}`,
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const redis = startLeashed(folder, [path, ...flags], libraries);
  await awaitWords(redis, 'ready to accept connections');
  return { address: { path: socket }, stop: redis.stop };
}
