import type { Clock } from '../../adapters/clock.ts';
import type { Database } from '../../adapters/postgres.ts';
import type { Random } from '../../adapters/random.ts';
import { composeApiKey, digestOf } from '../../domain/api-key.ts';
import { newId } from '../../domain/id.ts';
import { hashPassword } from '../../domain/password.ts';
import { sealSecret } from '../../domain/sealed-secret.ts';
import { Secret } from '../../domain/secret.ts';
import { webhookSecret } from '../../domain/webhook-signature.ts';
import { insertApiKey } from '../../store/api-keys.ts';
import { probeNames } from '../../store/probe-access.ts';
import { insertSmtpCredential } from '../../store/smtp-credentials.ts';
import { insertWebhookEndpoint } from '../../store/webhook-endpoints.ts';

/** What a run needs in order to be a client, made for it and removed after it. */
export interface Access {
  readonly user: { readonly username: string; readonly password: Secret };
  readonly apiKey: Secret;
  readonly expiredApiKey: Secret;
  readonly endpointSecret: Secret;
}

interface World {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
}

interface Wanted {
  readonly runId: string;
  readonly senderDomain: string;
  /** Where the run waits for AMS's webhooks. */
  readonly endpoint: string;
  readonly sealingKey: Secret;
}

const hourMs = 3_600_000;

/** Makes a user, a key, a key that has expired and an endpoint. All of it carries the run's id and ends within the hour. */
export async function grantAccess(
  world: World,
  { runId, senderDomain, endpoint, sealingKey }: Wanted,
): Promise<Access> {
  const { db, clock, random } = world;
  const username = probeNames.username(runId);
  const password = random.secret();
  await insertSmtpCredential(db, {
    id: newId('usr', clock.now(), random.bytes(10)),
    username,
    passwordHash: await hashPassword(password, random.bytes(16)),
    senderDomains: [senderDomain],
  });
  const endpointSecret = webhookSecret(random.letters(52));
  const id = newId('whe', clock.now(), random.bytes(10));
  const sealedSecret = sealSecret(endpointSecret, { key: sealingKey, owner: id }, random.bytes(12));
  await insertWebhookEndpoint(db, {
    id,
    url: probeNames.endpointUrl(endpoint, runId),
    sealedSecret,
    events: [],
  });
  return {
    user: { username, password },
    apiKey: await makeApiKey(world, runId, clock.now().getTime() + hourMs),
    expiredApiKey: await makeApiKey(world, runId, clock.now().getTime() - hourMs),
    endpointSecret,
  };
}

async function makeApiKey({ db, clock, random }: World, runId: string, expiresAtMs: number): Promise<Secret> {
  const id = newId('mk', clock.now(), random.bytes(10));
  const secret = new Secret(random.letters(52));
  await insertApiKey(db, {
    id,
    name: `${probeNames.apiKey} ${runId}`,
    digest: digestOf(secret),
    scopes: ['send', 'read'],
    expiresAt: new Date(expiresAtMs),
  });
  return composeApiKey(id, secret);
}
