import { fingerprintOf } from '../../../domain/fingerprint.ts';
import { lastSecretUse } from '../../../store/secret-uses.ts';
import { believeNext, believeOne, secretInUse, useNext } from '../believed-twice.ts';
import type { KindOfKey } from '../kind.ts';

const token = { variable: 'API_INTERNAL_TOKEN', also: 'API_INTERNAL_TOKEN_ALSO' } as const;

/** What the relays show the api: the api believes the next one before any relay shows it, and the last one until none does. */
export const relayKind: KindOfKey = {
  subjects: async (world) => {
    const handle = fingerprintOf(await secretInUse(world, token));
    return [{ name: 'relay', handle, lastUsedAt: await lastSecretUse(await world.postgres(), handle) }];
  },
  newSecret: ({ random }) => random.secret(),
  handleOf: (_, { secret }) => fingerprintOf(secret),
  leastOverlapMs: ({ API_KEY_USE_INTERVAL }) => 2 * API_KEY_USE_INTERVAL,
  issue: (world, coming) => believeNext(world, token, coming),
  acceptors: { rooms: ['api'], variables: [token.variable, token.also] },
  distribute: (world, coming) => useNext(world, token, coming),
  users: { rooms: ['relay'], variables: [token.variable] },
  lastUsed: async ({ postgres }, { handle }) => lastSecretUse(await postgres(), handle),
  retire: (world) => believeOne(world, token),
};
