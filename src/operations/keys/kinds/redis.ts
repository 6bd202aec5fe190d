import { fingerprintOf } from '../../../domain/fingerprint.ts';
import { OperatorError } from '../../../domain/failure.ts';
import type { Redis } from '../../../adapters/redis.ts';
import { Secret } from '../../../domain/secret.ts';
import type { Runtime } from '../../../runtime.ts';
import { keptValue, setValues } from '../env-values.ts';
import type { KindOfKey } from '../kind.ts';

/**
 * Redis takes several passwords of one ACL user (redis.io, ACL SETUSER): the next one is added, then the others go. One that started
 * anew knows only what its configuration holds: every step adds the next password again.
 */
export const redisKind: KindOfKey = {
  subjects: async ({ config, addresses }) => {
    const { REDIS_URL: url, REDIS_PASSWORD: password } = await config('operator');
    // On the host of a stack Redis is there although no address of it is configured.
    const isThere = url !== undefined || (await addresses.onHost());
    return isThere && password ? [{ name: 'redis', handle: fingerprintOf(password) }] : [];
  },
  newSecret: ({ random }) => random.secret(),
  handleOf: (_, { secret }) => fingerprintOf(secret),
  issue: (world, { secret }) => add(world, secret),
  distribute: async (world, { secret }) => {
    await add(world, secret);
    await setValues(world, new Map([['REDIS_PASSWORD', secret]]));
  },
  users: { rooms: ['relay', 'api'], variables: ['REDIS_PASSWORD'] },
  lastUsed: async (world) => {
    const { REDIS_PASSWORD: password } = await world.config('operator');
    if (password) await add(world, password);
    return undefined;
  },
  retire: async (world) => {
    const redis = await reach(world);
    const { REDIS_PASSWORD: password } = await world.config('operator');
    if (password) await redis.call('ACL', 'SETUSER', 'default', 'resetpass', `>${password.reveal()}`);
    await keep(redis);
  },
};

async function add(world: Runtime, password: Secret): Promise<void> {
  const redis = await reach(world);
  await redis.call('ACL', 'SETUSER', 'default', `>${password.reveal()}`);
  await keep(redis);
}

/** Has Redis write it down where it was given a file for it; without one its configuration is the operator's to change. */
async function keep(redis: Redis): Promise<void> {
  await redis.call('ACL', 'SAVE').catch(() => redis.call('CONFIG', 'REWRITE').catch(() => undefined));
}

/** With the password in use, or where Redis has forgotten that one, with the one before the rotation. */
async function reach(world: Runtime): Promise<Redis> {
  const redis = await world.redis();
  if (!redis) throw noRedis();
  try {
    await redis.call('PING');
    return redis;
  } catch (error) {
    if (!(error instanceof OperatorError) || error.code !== 'access-denied') throw error;
    const before = await keptValue(world, 'REDIS_PASSWORD');
    const other = before === undefined ? undefined : await world.redisAs(new Secret(before));
    if (!other) throw error;
    await other.call('PING');
    return other;
  }
}

function noRedis(): OperatorError {
  return new OperatorError('config-invalid', 'REDIS_URL is not set', {
    hint: 'Without Redis there is no password to rotate',
    field: 'REDIS_URL',
  });
}
