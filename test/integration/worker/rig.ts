import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

import { systemClock } from '../../../src/adapters/clock.ts';
import { silentLog } from '../../../src/adapters/log.ts';
import type { Postgres, PostgresAddress } from '../../../src/adapters/postgres.ts';
import { systemRandom } from '../../../src/adapters/random.ts';
import type { ConfigOf } from '../../../src/config/environment.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { newId } from '../../../src/domain/id.ts';
import { sealSecret } from '../../../src/domain/sealed-secret.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { webhookSecret } from '../../../src/domain/webhook-signature.ts';
import type { PostalOptions, PostalWorld } from '../../../src/postal-stand-in/options.ts';
import { type PostalStandIn, startPostalStandIn } from '../../../src/postal-stand-in/start.ts';
import type { Running } from '../../../src/services/running.ts';
import { startWorker, type WorkerWorld } from '../../../src/services/worker/start.ts';
import { ensureBodyPartitions } from '../../../src/store/bodies.ts';
import { insertInboundMail } from '../../../src/store/inbound-mail.ts';
import { insertPostalWebhooks } from '../../../src/store/postal-webhooks.ts';
import { testDatabase } from '../../engines/postgres.ts';
import { type NewMail, submit } from '../../store/submit.ts';

/** Making a key takes longer than most of the tests. */
const signingKey = new Secret(
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'pkcs1', format: 'pem' },
  }).privateKey,
);

export const unsubscribeKey = new Secret('u'.repeat(43));

export const sealingKey = new Secret('k'.repeat(43));

/** A server on a free loopback port. */
export interface Listener extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
}

/** Starts a server for one test. */
export async function listen(answer: RequestListener): Promise<Listener> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What an endpoint of AMS received. */
export interface Heard {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** An endpoint that remembers what it hears; `status` answers each. */
export async function listenAsAms(status: (heard: Heard) => number = () => 204) {
  const heard: Heard[] = [];
  const listener = await listen(async (request, response) => {
    const each = { headers: request.headers, body: (await buffer(request)).toString() };
    heard.push(each);
    response.writeHead(status(each)).end();
  });
  return { ...listener, heard };
}

/** A whole back half of the platform: PostgreSQL, Postal's stand-in whose webhooks are stored, and workers. */
export interface Rig extends AsyncDisposable {
  readonly db: Postgres;
  readonly address: PostgresAddress;
  readonly postal: PostalStandIn;
  /** Starts a worker, which is stopped with the rig at the latest: before it where `world` goes sooner. */
  work(
    changes?: Readonly<Record<string, string>>,
    world?: Partial<WorkerWorld>,
  ): Promise<Running & AsyncDisposable>;
  config(changes?: Readonly<Record<string, string>>): ConfigOf<'worker'>;
  /** Stores a message as the api does and returns its id. */
  submit(message?: Partial<NewMail>): Promise<string>;
  subscribe(
    url: string,
    events?: readonly string[],
  ): Promise<{ readonly id: string; readonly secret: Secret }>;
  recipients(id: string): Promise<readonly RecipientRow[]>;
  events(id: string): Promise<readonly string[]>;
}

interface RecipientRow extends Record<string, unknown> {
  readonly address: string;
  readonly state: string;
  readonly detail: string | null;
  readonly opens: number;
  readonly clicks: number;
}

/** Starts everything but a worker. */
export async function openRig(
  options: Partial<PostalOptions> = {},
  more: Pick<PostalWorld, 'ledger'> = {},
): Promise<Rig> {
  const database = await testDatabase();
  const { db, address } = database;
  await ensureBodyPartitions(db, 4);
  const intake = await listen(async (request, response) => {
    const body = await buffer(request);
    if (request.url === '/inbound') {
      const { rcpt_to: rcptTo, mail_from: mailFrom, message } = JSON.parse(body.toString());
      await insertInboundMail(db, {
        id: randomUUID(),
        rcptTo,
        mailFrom,
        raw: Buffer.from(message, 'base64'),
      });
      response.writeHead(200).end();
      return;
    }
    const { uuid, event } = JSON.parse(body.toString()) as { uuid: string; event: string };
    await insertPostalWebhooks(db, [{ uuid, event, body, quarantined: undefined }]);
    response.writeHead(200).end();
  });
  const world = { clock: systemClock, random: systemRandom, log: silentLog };
  const postal = await startPostalStandIn(
    {
      listen: { host: '127.0.0.1', port: 0 },
      webHostname: 'postal.example.test',
      apiKeys: [new Secret('ILhJDVFXjMGU6bzl1mIo2lCL')],
      domains: ['acme.test', 'mail.acme.test'],
      webhook: { url: intake.url },
      inbound: { url: `${intake.url}/inbound` },
      signingKey,
      dkim: { key: signingKey },
      speed: 600,
      ...options,
    },
    { ...world, ...more },
  );
  const workers: Running[] = [];
  const config = (changes: Readonly<Record<string, string>> = {}) => workerConfig(postal.url, changes);
  return {
    db,
    address,
    postal,
    config,
    work: async (changes, more) => {
      const running = await startWorker(config(changes), { ...world, db, ...more });
      workers.push(running);
      return { ...running, [Symbol.asyncDispose]: running.stop };
    },
    submit: (message) => submit(db, message),
    subscribe: (url, events) => subscribe(db, url, events),
    recipients: (id) =>
      db.query<RecipientRow>(
        'select address, state, detail, opens, clicks from recipients where message_id = $1 order by position',
        [id],
      ),
    events: async (id) => {
      const rows = await db.query<{ kind: string }>(
        'select kind from events where message_id = $1 order by recorded_at, id',
        [id],
      );
      return ['received', ...rows.map(({ kind }) => kind)];
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(workers.map((worker) => worker.stop()));
      await postal.stop();
      await intake[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

function workerConfig(postalUrl: string, changes: Readonly<Record<string, string>>): ConfigOf<'worker'> {
  const environment = {
    MAILCTL_MODE: 'sandbox',
    MAIL_DOMAIN: 'mail.acme.test',
    ADMIN_EMAIL: 'ops@acme.test',
    POSTGRES_PASSWORD: 'p'.repeat(43),
    POSTAL_URL: postalUrl,
    POSTAL_HOSTNAME: 'postal.example.test',
    POSTAL_API_KEY: 'ILhJDVFXjMGU6bzl1mIo2lCL',
    POSTAL_SETTLE_TIME: '200ms',
    POSTAL_BREAKER_OPEN: '100ms',
    POSTAL_BREAKER_OPEN_MAX: '500ms',
    WEBHOOK_SEALING_KEY: sealingKey.reveal(),
    UNSUBSCRIBE_KEY: unsubscribeKey.reveal(),
    API_URL: 'https://api.acme.test/',
    WEBHOOK_ALLOWED_ADDRESSES: '127.0.0.0/8',
    WORKER_HEALTH_LISTEN: '127.0.0.1:0',
    WORKER_POLL_INTERVAL: '20ms',
    WORKER_ERROR_WAIT_MAX: '100ms',
    ...changes,
  };
  return loadConfig('worker', {
    environment,
    file: undefined,
    readFile: () => {
      throw new Error('no file is named');
    },
  });
}

async function subscribe(db: Postgres, url: string, events: readonly string[] = []) {
  const id = newId('whe', new Date(), systemRandom.bytes(10));
  const secret = webhookSecret(systemRandom.letters(52));
  const sealed = sealSecret(secret, { key: sealingKey, owner: id }, systemRandom.bytes(12));
  await db.change('insert into webhook_endpoints (id, url, sealed_secret, events) values ($1, $2, $3, $4)', [
    id,
    url,
    sealed,
    events,
  ]);
  return { id, secret };
}
