import type { Secret } from '../../domain/secret.ts';
import { probeNames } from '../../store/probe-access.ts';
import {
  type AccessWorld,
  createApiKey,
  createSmtpUser,
  createWebhookEndpoint,
} from '../../upkeep/access.ts';

/** What a run needs in order to be a client, made for it and removed after it. */
export interface Access {
  readonly user: { readonly username: string; readonly password: Secret };
  readonly apiKey: Secret;
  readonly expiredApiKey: Secret;
  readonly endpointSecret: Secret;
}

interface Wanted {
  readonly runId: string;
  readonly senderDomain: string;
  /** Where the run waits for AMS's webhooks. */
  readonly endpoint: string;
  readonly sealingKey: Secret;
}

const hourMs = 3_600_000;

/** Makes a user, a key, a key that has expired and an endpoint, all named after the run; the keys end within the hour. */
export async function grantAccess(
  world: AccessWorld,
  { runId, senderDomain, endpoint, sealingKey }: Wanted,
): Promise<Access> {
  const username = probeNames.username(runId);
  const password = await createSmtpUser(world, { username, senderDomains: [senderDomain] });
  if (!password) throw new Error(`the user ${username} exists already`);
  const keyThatEnds = (inMs: number) =>
    createApiKey(world, {
      name: `${probeNames.apiKey} ${runId}`,
      scopes: ['send', 'read'],
      expiresAt: new Date(world.clock.now().getTime() + inMs),
    });
  return {
    user: { username, password },
    apiKey: await keyThatEnds(hourMs),
    expiredApiKey: await keyThatEnds(-hourMs),
    endpointSecret: await createWebhookEndpoint(world, {
      url: probeNames.endpointUrl(endpoint, runId),
      sealingKey,
    }),
  };
}
