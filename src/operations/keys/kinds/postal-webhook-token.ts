import { fingerprintOf } from '../../../domain/fingerprint.ts';
import { lastSecretUse } from '../../../store/secret-uses.ts';
import { openPostalOffice } from '../../postal/office.ts';
import { believeNext, believeOne, secretInUse, useNext } from '../believed-twice.ts';
import type { KindOfKey } from '../kind.ts';

const token = { variable: 'POSTAL_WEBHOOK_TOKEN', also: 'POSTAL_WEBHOOK_TOKEN_ALSO' } as const;

/**
 * The secret path of Postal's webhooks. A webhook that waits at Postal keeps the URL it was written for: the old path stays open until
 * no such one is left, whatever the overlap.
 */
export const postalWebhookTokenKind: KindOfKey = {
  subjects: async (world) => {
    const handle = fingerprintOf(await secretInUse(world, token));
    const lastUsedAt = await lastSecretUse(await world.postgres(), handle);
    return [{ name: 'postal-webhook-token', handle, lastUsedAt }];
  },
  newSecret: ({ random }) => random.secret(),
  handleOf: (_, { secret }) => fingerprintOf(secret),
  leastOverlapMs: ({ POSTAL_WEBHOOK_TOKEN_OVERLAP, API_KEY_USE_INTERVAL }) =>
    Math.max(POSTAL_WEBHOOK_TOKEN_OVERLAP, 2 * API_KEY_USE_INTERVAL),
  issue: (world, coming) => believeNext(world, token, coming),
  acceptors: { rooms: ['api'], variables: [token.variable, token.also] },
  distribute: async (world, coming) => {
    await useNext(world, token, coming);
    await (await openPostalOffice(world)).setWebhookToken(coming.secret.reveal());
  },
  lastUsed: async (world, { handle }) => {
    const { POSTAL_WEBHOOK_TOKEN_ALSO: also } = await world.config('operator');
    const isKnown = also !== undefined && fingerprintOf(also) === handle;
    const waiting = isKnown ? await (await openPostalOffice(world)).queuedWebhooksTo(also.reveal()) : 0;
    return waiting > 0 ? world.clock.now() : lastSecretUse(await world.postgres(), handle);
  },
  retire: (world) => believeOne(world, token),
};
