import { fingerprintOf } from '../../../domain/fingerprint.ts';
import { OperatorError } from '../../../domain/failure.ts';
import type { Runtime } from '../../../runtime.ts';
import { setValues } from '../env-values.ts';
import type { KindOfKey } from '../kind.ts';

/** Redis takes several passwords of one ACL user (redis.io, ACL SETUSER): the next one is added, then the others go. */
export const redisKind: KindOfKey = {
  subjects: async ({ config }) => {
    const { REDIS_URL: url, REDIS_PASSWORD: password } = await config('operator');
    return url !== undefined && password ? [{ name: 'redis', handle: fingerprintOf(password) }] : [];
  },
  newSecret: ({ random }) => random.secret(),
  handleOf: (_, { secret }) => fingerprintOf(secret),
  issue: async (world, { secret }) => {
    await (await requireRedis(world)).call('ACL', 'SETUSER', 'default', `>${secret.reveal()}`);
  },
  distribute: (world, { secret }) => setValues(world, new Map([['REDIS_PASSWORD', secret]])),
  users: { rooms: ['relay', 'api'], variables: ['REDIS_PASSWORD'] },
  lastUsed: async () => undefined,
  retire: async (world) => {
    const redis = await requireRedis(world);
    const { REDIS_PASSWORD: password } = await world.config('operator');
    if (password) await redis.call('ACL', 'SETUSER', 'default', 'resetpass', `>${password.reveal()}`);
  },
};

async function requireRedis(world: Runtime) {
  const redis = await world.redis();
  if (redis) return redis;
  throw new OperatorError('config-invalid', 'REDIS_URL is not set', {
    hint: 'Without Redis there is no password to rotate',
    field: 'REDIS_URL',
  });
}
