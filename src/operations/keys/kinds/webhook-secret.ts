import { fingerprintOf } from '../../../domain/fingerprint.ts';
import { sealSecret, unsealSecret } from '../../../domain/sealed-secret.ts';
import { webhookSecret } from '../../../domain/webhook-signature.ts';
import type { Runtime } from '../../../runtime.ts';
import {
  dropPreviousSecret,
  findSealedSecret,
  listWebhookEndpoints,
  replaceSealedSecret,
} from '../../../store/webhook-endpoints.ts';
import type { KindOfKey } from '../kind.ts';

/** What signs the webhooks to an endpoint: both sign until the overlap is over (Standard Webhooks). Nobody can know which one is checked. */
export const webhookSecretKind: KindOfKey = {
  subjects: async (world) => {
    const endpoints = await listWebhookEndpoints(await world.postgres());
    const known = await Promise.all(
      endpoints
        .filter(({ url }) => !url.includes('/mailctl-e2e/'))
        .map(async ({ id, createdAt }) => ({ name: id, handle: await fingerprintNow(world, id), createdAt })),
    );
    return known.flatMap(({ handle, ...one }) => (handle === undefined ? [] : [{ ...one, handle }]));
  },
  newSecret: ({ random }) => webhookSecret(random.letters(52)),
  handleOf: (_, { secret }) => fingerprintOf(secret),
  issue: async (world, { name, handle, secret, expiresAt }) => {
    if ((await fingerprintNow(world, name)) === handle) return;
    const { WEBHOOK_SEALING_KEY: key } = await world.config('operator');
    const sealed = sealSecret(secret, { key, owner: name }, world.random.bytes(12));
    await replaceSealedSecret(await world.postgres(), name, { sealed, expiresAt });
  },
  distribute: async () => undefined,
  lastUsed: async () => undefined,
  retire: async ({ postgres }, { name }) => dropPreviousSecret(await postgres(), name),
};

async function fingerprintNow(world: Runtime, id: string): Promise<string | undefined> {
  const { WEBHOOK_SEALING_KEY: key } = await world.config('operator');
  const sealed = await findSealedSecret(await world.postgres(), id);
  const opened = sealed && unsealSecret(sealed, { key, owner: id });
  return opened?.ok ? fingerprintOf(opened.secret) : undefined;
}
