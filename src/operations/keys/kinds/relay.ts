import { fingerprintOf } from '../../../domain/fingerprint.ts';
import { lastSecretUse } from '../../../store/secret-uses.ts';
import { setValues } from '../env-values.ts';
import type { KindOfKey } from '../kind.ts';

/** What the relays show the api: the api believes the next one before any relay shows it, and the last one until none does. */
export const relayKind: KindOfKey = {
  subjects: async (world) => {
    const { API_INTERNAL_TOKEN: token } = await world.config('operator');
    return [{ name: 'relay', handle: fingerprintOf(token) }];
  },
  newSecret: ({ random }) => random.secret(),
  handleOf: (_, { secret }) => fingerprintOf(secret),
  issue: async (world, { handle, secret }) => {
    const { API_INTERNAL_TOKEN: token } = await world.config('operator');
    if (fingerprintOf(token) !== handle)
      await setValues(world, new Map([['API_INTERNAL_TOKEN_ALSO', secret]]));
  },
  acceptors: { rooms: ['api'], variables: ['API_INTERNAL_TOKEN', 'API_INTERNAL_TOKEN_ALSO'] },
  distribute: async (world, { handle, secret }) => {
    const { API_INTERNAL_TOKEN: token } = await world.config('operator');
    if (fingerprintOf(token) === handle) return;
    await setValues(
      world,
      new Map([
        ['API_INTERNAL_TOKEN_ALSO', token],
        ['API_INTERNAL_TOKEN', secret],
      ]),
    );
  },
  users: { rooms: ['relay'], variables: ['API_INTERNAL_TOKEN'] },
  lastUsed: async ({ postgres }, { handle }) => lastSecretUse(await postgres(), handle),
  retire: (world) => setValues(world, new Map([['API_INTERNAL_TOKEN_ALSO', undefined]])),
};
