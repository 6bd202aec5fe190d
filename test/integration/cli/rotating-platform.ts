import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { systemClock } from '../../../src/adapters/clock.ts';
import { openPostgres } from '../../../src/adapters/postgres.ts';
import { systemRandom } from '../../../src/adapters/random.ts';
import { parseEnvFile } from '../../../src/config/env-file.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { planRotation, type RotationOrder } from '../../../src/operations/keys/rotate.ts';
import type { Plan } from '../../../src/operations/plan.ts';
import { openRuntime } from '../../../src/runtime.ts';
import { createApiKey, createSmtpUser, createWebhookEndpoint } from '../../../src/upkeep/access.ts';
import { goodSecret } from '../../config/valid-sources.ts';
import { testDatabase } from '../../engines/postgres.ts';
import { folderFor } from './database-folder.ts';

export const uid = process.getuid?.();
export const redisPassword = 'a-password-of-redis-that-is-long-enough';
/** A folder with one of each: an API key, an SMTP user, an endpoint, the relay's token, a login at PostgreSQL and one at Redis. */
export async function platform(redisUrl: string) {
  const database = await testDatabase();
  const owner = `owner_${systemRandom.letters(8)}`;
  await database.db.query(`create role ${owner} login superuser password 'at first'`);
  const address = { ...database.address, user: owner, password: new Secret('at first') };
  const folder = folderFor(
    { address },
    {
      REDIS_URL: redisUrl,
      REDIS_PASSWORD: redisPassword,
      SECRETS_RELOAD_INTERVAL: '1s',
      API_KEY_USE_INTERVAL: '1ms',
      SMTP_AUTH_CACHE_TTL: '1ms',
      KEYS_SWITCH_TIMEOUT: '200ms',
    },
  );
  const world = { db: database.db, clock: systemClock, random: systemRandom };
  const old = {
    api: await createApiKey(world, { name: 'shop', scopes: ['send'], expiresAt: undefined }),
    smtp: await createSmtpUser(world, { username: 'ams', senderDomains: [] }),
  };
  const sealingKey = new Secret(goodSecret);
  await createWebhookEndpoint(world, { url: 'https://ams.example.com/hooks', sealingKey });
  return {
    db: database.db,
    address,
    owner,
    folder,
    old,
    env: async () => parseEnvFile(await readFile(join(folder.path, '.env'), 'utf8')).values,
    [Symbol.asyncDispose]: async () => {
      folder[Symbol.dispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

export type Platform = Awaited<ReturnType<typeof platform>>;

export const nothing: RotationOrder = {
  name: undefined,
  kind: undefined,
  isAll: false,
  olderThanMs: undefined,
  expiringMs: undefined,
  isContinuing: false,
  overlapMs: 60_000,
  isForced: false,
  reason: '',
  expiresInMs: undefined,
  given: undefined,
  by: 'test',
  spread: async () => undefined,
};

/** Plans in a process of its own, as every command does, and carries out the first `most` steps: then it is killed. */
export async function rotate({ folder }: Platform, order: Partial<RotationOrder>, most = Infinity) {
  await using runtime = openRuntime({ dir: folder.path, environment: {}, uid });
  const plan: Plan<unknown> = await planRotation(runtime, { ...nothing, ...order });
  for (const step of plan.steps.slice(0, most)) await step.run(runtime);
  return { steps: plan.steps.map((step) => step.do), result: plan.result() };
}

/** True where this login is let in. */
export const logsIn = (address: Platform['address']) =>
  (async () => {
    await using pool = openPostgres({ ...address, poolSize: 1 });
    return pool.query('select 1');
  })().then(
    () => true,
    () => false,
  );
