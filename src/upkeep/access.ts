import type { Clock } from '../adapters/clock.ts';
import type { Database } from '../adapters/postgres.ts';
import type { Random } from '../adapters/random.ts';
import { composeApiKey, digestOf, type Scope } from '../domain/api-key.ts';
import { newId } from '../domain/id.ts';
import { hashPassword } from '../domain/password.ts';
import { sealSecret } from '../domain/sealed-secret.ts';
import { Secret } from '../domain/secret.ts';
import { testWebhookBody } from '../domain/webhook-body.ts';
import { webhookSecret } from '../domain/webhook-signature.ts';
import { insertApiKey, type KeyBounds } from '../store/api-keys.ts';
import { insertSmtpCredential, type SmtpBounds } from '../store/smtp-credentials.ts';
import { insertWebhookTest } from '../store/webhook-deliveries.ts';
import { insertWebhookEndpoint } from '../store/webhook-endpoints.ts';

/** What giving access needs of the world. */
export interface AccessWorld {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
}

/** What is not said of a user's bounds is not bounded. */
interface NewUser extends Partial<SmtpBounds> {
  readonly username: string;
  readonly senderDomains: readonly string[];
}

/** Makes an SMTP user and returns its password, which is stored nowhere; undefined when the name is taken. */
export async function createSmtpUser(
  { db, clock, random }: AccessWorld,
  user: NewUser,
): Promise<Secret | undefined> {
  const password = random.secret();
  const made = await insertSmtpCredential(db, {
    ...user,
    id: newId('usr', clock.now(), random.bytes(10)),
    passwordHash: await hashPassword(password, random.bytes(16)),
  });
  return made ? password : undefined;
}

/** A bound that is not named does not bind. */
interface NewKey extends Partial<KeyBounds> {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly expiresAt: Date | undefined;
}

/** Makes an API key and returns it; only its digest is stored. */
export async function createApiKey({ db, clock, random }: AccessWorld, key: NewKey): Promise<Secret> {
  const id = newId('mk', clock.now(), random.bytes(10));
  const secret = new Secret(random.letters(52));
  await insertApiKey(db, { ...key, id, digest: digestOf(secret) });
  return composeApiKey(id, secret);
}

interface NewEndpoint {
  readonly url: string;
  /** WEBHOOK_SEALING_KEY. */
  readonly sealingKey: Secret;
  /** Types of events, such as `message.delivered`; empty means all. */
  readonly events?: readonly string[];
}

/** Makes an endpoint and returns the secret its webhooks are signed with. */
export async function createWebhookEndpoint(
  { db, clock, random }: AccessWorld,
  { url, sealingKey, events = [] }: NewEndpoint,
): Promise<Secret> {
  const secret = webhookSecret(random.letters(52));
  const id = newId('whe', clock.now(), random.bytes(10));
  const sealedSecret = sealSecret(secret, { key: sealingKey, owner: id }, random.bytes(12));
  await insertWebhookEndpoint(db, { id, url, sealedSecret, events });
  return secret;
}

/** Has the worker send a test to an endpoint, and returns the id of that webhook. */
export async function testWebhookEndpoint(
  { db, clock, random }: AccessWorld,
  endpointId: string,
): Promise<string> {
  const at = clock.now();
  const id = newId('whd', at, random.bytes(10));
  await insertWebhookTest(db, { id, endpointId, body: testWebhookBody(endpointId, at) });
  return id;
}
