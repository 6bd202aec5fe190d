import { OperatorError } from '../../domain/failure.ts';
import { postalKeysOfPem } from '../../domain/postal-webhook.ts';
import { ensureBodyPartitions } from '../../store/bodies.ts';
import { migrate, migrations } from '../../store/migrate.ts';
import { insertInboundMail, type InboundMail } from '../../store/inbound-mail.ts';
import { endsOfKeys } from '../../store/keys.ts';
import { insertPostalWebhooks, type ReceivedWebhook } from '../../store/postal-webhooks.ts';
import { reachDatabase } from '../../store/reachable.ts';
import { startHealth } from '../health.ts';
import { openMetrics, type Registry } from '../metrics.ts';
import type { Listening, Running } from '../running.ts';
import { openApiMetrics } from './api-metrics.ts';
import type { Gate } from './authenticate.ts';
import { type Batcher, openBatcher } from '../batcher.ts';
import { type HttpServer, listen } from './http-server.ts';
import { type InternalServer, openInternalServer } from './internal-server.ts';
import { kindsInMind, openKeyEnds } from './key-ends.ts';
import { openLimiters } from './limiters.ts';
import { jwksKeys, keysBesides, pinnedKeys, type PostalKeys } from './postal-keys.ts';
import { openPublicServer, type PublicServer } from './public-server.ts';
import type { ApiConfig, ApiWorld } from './room.ts';
import { openSecretUses } from './secret-uses.ts';
import { openSenderLooks } from './sender-looks.ts';
import { flushKeyUses, keepUp } from './upkeep.ts';

const storesInFlight = 2;

/** Migrates the database, then serves clients and Postal (`public`), the relay (`internal`) and probes (`health`). */
export async function startApi(config: ApiConfig, world: ApiWorld): Promise<Running> {
  await migrate(world.db, await migrations(), config.POSTGRES_MIGRATE_TIMEOUT);
  await ensureBodyPartitions(world.db, config.BODY_DAYS_AHEAD);
  const registry = openMetrics('api');
  const room = openRoom(config, world, registry);
  room.keyEnds.learn(await endsOfKeys(world.db, kindsInMind));
  const servers = { public: await openPublicServer(room), internal: openInternalServer(room) };
  const health = await startHealth({
    service: 'api',
    listen: config.API_HEALTH_LISTEN,
    live: {},
    ready: { database: () => reachDatabase(world.db).then(() => ({ ok: true })) },
    metrics: registry,
  }).catch(async (cause: unknown) => {
    await room.limiters.stop();
    throw cause;
  });
  const ended = new AbortController();
  const upkeep = keepUp(
    { ...world, uses: room.gate.uses, secretUses: room.secretUses, keyEnds: room.keyEnds, config },
    ended.signal,
  );
  const stop = once(async () => {
    ended.abort();
    await Promise.all(Object.values(servers).map((server) => close(server, config, world)));
    await room.intake.store.drained();
    await upkeep;
    await flushLastUses(room);
    await room.limiters.stop();
    await health.stop();
  });
  const addresses = await listenAll(config, servers).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { addresses: { ...health.addresses, ...addresses }, stop };
}

type Servers = Readonly<Record<'public' | 'internal', HttpServer>>;

async function listenAll(config: ApiConfig, servers: Servers): Promise<Record<string, Listening>> {
  return {
    public: await listen(servers.public, config.API_LISTEN, 'API_LISTEN'),
    internal: await listen(servers.internal, config.API_INTERNAL_LISTEN, 'API_INTERNAL_LISTEN'),
  };
}

async function flushLastUses({
  world,
  gate,
  secretUses,
}: Pick<PublicServer, 'world' | 'gate'> & InternalServer): Promise<void> {
  await flushKeyUses({ ...world, uses: gate.uses, secretUses }).catch((error: unknown) =>
    world.log.warn('the last use of keys was not written down', { error }),
  );
}

function openRoom(config: ApiConfig, world: ApiWorld, registry: Registry) {
  const metrics = openApiMetrics(registry);
  const secretUses = openSecretUses(world.clock);
  const keyEnds = openKeyEnds(world.clock);
  const limiters = openLimiters(config, world, registry);
  const gate: Gate = {
    ...world,
    metrics,
    requests: limiters.requests,
    failures: limiters.failures,
    uses: new Map(),
  };
  const intake = openIntake(config, world, { secretUses, keyEnds });
  const { webhookFailures, linkFailures } = limiters;
  const senderLooks = openSenderLooks(world, {
    intervalMs: config.POSTAL_DOMAINS_INTERVAL,
    waitMs: config.POSTAL_DOMAINS_WAIT,
  });
  return {
    config,
    world,
    metrics,
    gate,
    intake,
    webhookFailures,
    linkFailures,
    limiters,
    secretUses,
    keyEnds,
    senderLooks,
  };
}

function openIntake(
  config: ApiConfig,
  world: ApiWorld,
  { secretUses, keyEnds }: Pick<InternalServer, 'secretUses' | 'keyEnds'>,
): PublicServer['intake'] {
  return {
    tokens: () =>
      [config.POSTAL_WEBHOOK_TOKEN, config.POSTAL_WEBHOOK_TOKEN_ALSO].filter((one) => one !== undefined),
    used: secretUses.note,
    usedKey: secretUses.noteName,
    hasEnded: keyEnds.hasEnded,
    keys: keysBesides(() => config.POSTAL_WEBHOOK_PUBLIC_KEY_ALSO, postalKeysOf(config, world)),
    store: webhookStore(config, world),
    keepMail: (mail: InboundMail) => insertInboundMail(world.db, mail),
  };
}

function postalKeysOf(config: ApiConfig, world: ApiWorld): PostalKeys {
  if (config.POSTAL_WEBHOOK_PUBLIC_KEY === undefined) {
    return jwksKeys(
      {
        url: config.POSTAL_URL,
        hostname: config.POSTAL_HOSTNAME,
        timeoutMs: config.POSTAL_JWKS_TIMEOUT,
        retryMs: config.POSTAL_JWKS_RETRY,
        refetchMs: config.POSTAL_KEY_REFETCH,
        overlapMs: config.POSTAL_KEY_OVERLAP,
      },
      world,
    );
  }
  if (postalKeysOfPem(config.POSTAL_WEBHOOK_PUBLIC_KEY).length > 0)
    return pinnedKeys(() => config.POSTAL_WEBHOOK_PUBLIC_KEY);
  throw new OperatorError('config-invalid', 'POSTAL_WEBHOOK_PUBLIC_KEY holds no RSA public key in PEM', {
    hint: 'Unset it to let the api ask Postal itself, or write: openssl rsa -in signing.key -pubout',
    field: 'POSTAL_WEBHOOK_PUBLIC_KEY',
  });
}

function webhookStore(config: ApiConfig, { db, clock }: ApiWorld): Batcher<ReceivedWebhook, 'new' | 'known'> {
  return openBatcher(
    async (webhooks) => {
      const added = new Set(await insertPostalWebhooks(db, webhooks));
      return webhooks.map(({ uuid }) => (added.delete(uuid) ? 'new' : 'known'));
    },
    {
      maxItems: config.POSTAL_WEBHOOK_BATCH,
      inFlight: storesInFlight,
      everyMs: config.POSTAL_WEBHOOK_INTERVAL,
    },
    clock,
  );
}

/** Takes no new request and lets those under way finish, until API_SHUTDOWN_TIMEOUT cuts them off. */
async function close(server: HttpServer, config: ApiConfig, { clock, log }: ApiWorld): Promise<void> {
  const closed = new AbortController();
  const closing = server.close().then(() => closed.abort());
  await Promise.race([closing, clock.sleep(config.API_SHUTDOWN_TIMEOUT, closed.signal)]);
  if (closed.signal.aborted) return;
  log.warn('requests were cut off at the end of the shutdown timeout');
  server.server.closeAllConnections();
  await closing;
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= work());
}
