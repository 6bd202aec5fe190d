import { makeSelfSignedCertificate } from '../adapters/certificate.ts';
import { startManagedPostgres } from '../adapters/managed-postgres.ts';
import { openPostgres } from '../adapters/postgres.ts';
import { makeRsaKey } from '../adapters/rsa.ts';
import { makeVanishingFolder } from '../adapters/vanishing-folder.ts';
import { openWebhookInbox } from '../adapters/webhook-inbox.ts';
import type { Listen } from '../config/shapes.ts';
import { postgresAddress } from '../config/postgres-address.ts';
import { type Opened, openedThings } from '../domain/opened.ts';
import type { Secret } from '../domain/secret.ts';
import type { PostalStandIn } from '../postal-stand-in/start.ts';
import { createApiKey, createSmtpUser, createWebhookEndpoint } from '../upkeep/access.ts';
import { type Rooms, startRooms } from './rooms.ts';
import { firstVariables, sandboxDomain, writeKeys, writeRunner, writeVariables } from './variables.ts';
import type { SandboxOptions, SandboxWorld } from './world.ts';

/** The whole platform in this process. Disposing it leaves no process and no folder; nor does `kill -9`. */
export interface Sandbox extends AsyncDisposable {
  /** An operator's folder: `mailctl -C DIR …` works on it. */
  readonly dir: string;
  /** Undefined when the relay was left out. */
  readonly submission: Listen | undefined;
  readonly user: { readonly username: string; readonly password: Secret };
  readonly api: { readonly url: string; readonly key: Secret };
  readonly webhook: { readonly url: string; readonly secret: Secret };
  readonly postal: PostalStandIn;
}

const certificateDays = 30;
const startTimeoutMs = 60_000;
const rememberedWebhooks = 1000;

/** Starts PostgreSQL, api, Postal's stand-in, worker and relay on free loopback ports. A failure ends what was started. */
export async function startSandbox(options: SandboxOptions, world: SandboxWorld): Promise<Sandbox> {
  const opened = openedThings();
  try {
    return await assemble(options, world, opened);
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw error;
  }
}

async function assemble(options: SandboxOptions, world: SandboxWorld, opened: Opened): Promise<Sandbox> {
  const { clock, random } = world;
  const dir = opened.use(await makeVanishingFolder('mailctl-sandbox-')).path;
  const postgres = await startManagedPostgres({ durable: true, loopback: true, startTimeoutMs }, world);
  opened.defer(postgres.stop);
  const names = [`smtp.${sandboxDomain}`, 'localhost', '127.0.0.1'];
  const tls = await makeSelfSignedCertificate(names, clock.now(), certificateDays);
  const signing = await makeRsaKey(2048);
  await writeKeys(dir, tls, signing);
  const first = { ...firstVariables(dir, postgres, random), POSTAL_WEBHOOK_PUBLIC_KEY: signing.publicPem };
  const rooms = await startRooms(first, options, { world, opened, signingKey: signing.privatePem });
  const access = await grantAccess(rooms, world, opened);
  const runner = await writeRunner(dir, rooms.postal.url, rooms.config.POSTAL_HOSTNAME);
  await writeVariables(dir, { ...rooms.variables, ...runner, POSTAL_API_FROM_POSTAL: rooms.config.API_URL });
  return {
    dir,
    submission: rooms.config.E2E_SMTP_ADDRESS,
    ...access,
    postal: rooms.postal,
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

async function grantAccess(
  { config }: Rooms,
  { clock, random }: SandboxWorld,
  opened: Opened,
): Promise<Pick<Sandbox, 'user' | 'api' | 'webhook'>> {
  const listen = { host: '127.0.0.1', port: 0 };
  const inbox = opened.use(await openWebhookInbox({ listen, keep: rememberedWebhooks }));
  await using db = openPostgres(postgresAddress(config, 'mailctl sandbox'));
  const world = { db, clock, random };
  const username = 'ams';
  const password = await createSmtpUser(world, { username, senderDomains: [] });
  if (!password) throw new Error(`a new database has the user ${username} already`);
  const key = await createApiKey(world, {
    name: username,
    scopes: ['send', 'read', 'admin'],
    expiresAt: undefined,
  });
  const url = `http://127.0.0.1:${inbox.port}/webhooks`;
  const secret = await createWebhookEndpoint(world, { url, sealingKey: config.WEBHOOK_SEALING_KEY });
  return { user: { username, password }, api: { url: config.API_URL, key }, webhook: { url, secret } };
}
