import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { makeAgeKey } from '../../../src/adapters/age.ts';
import { systemClock } from '../../../src/adapters/clock.ts';
import { freePort } from '../../../src/adapters/free-port.ts';
import { systemRandom } from '../../../src/adapters/random.ts';
import { makeRsaKey } from '../../../src/adapters/rsa.ts';
import { parseEnvFile } from '../../../src/config/env-file.ts';
import { type Opened, openedThings } from '../../../src/domain/opened.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { createApiKey, createSmtpUser, createWebhookEndpoint } from '../../../src/upkeep/access.ts';
import { goodSecret } from '../../config/valid-sources.ts';
import { startNameServer } from '../../dns/name-server.ts';
import { postalDatabases, type TestPostal } from '../../engines/postal-databases.ts';
import { testDatabase } from '../../engines/postgres.ts';
import { privateRedis } from '../../engines/private-redis.ts';
import { folderFor, runJson } from '../../integration/cli/database-folder.ts';
import { redisPassword } from '../../integration/cli/rotating-platform.ts';
import { type Program, startProgram } from '../../programs/program.ts';
import { until } from '../../store/until.ts';
import { comingRecords, runnerProgram } from './coming-record.ts';
import { mariadbLogins } from './mariadb-logins.ts';
import { restartingPostal, restartProgram } from './restarting-postal.ts';

const patienceMs = 60_000;
const rooms = ['api', 'worker', 'relay'] as const;
type Room = (typeof rooms)[number];

/** Relay, api, worker, Postal, PostgreSQL, MariaDB and Redis, each a process of its own, on an operator's folder. */
export type RunningPlatform = Awaited<ReturnType<typeof runningPlatform>>;

type Environments = Partial<Record<Room, Readonly<Record<string, string>>>>;

/** Starts it; AMS takes its webhooks at `hook`. What a room is given beside `.env` stands in `environments`. */
export async function runningPlatform(hook: string, environments: Environments = {}) {
  const opened = openedThings();
  try {
    return await assemble(hook, environments, opened);
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw error;
  }
}

async function assemble(hook: string, environments: Environments, opened: Opened) {
  const database = opened.use(await testDatabase());
  const owner = `owner_${systemRandom.letters(8)}`;
  await database.db.query(`create role ${owner} login superuser password 'at first'`);
  const redis = opened.use(await privateRedis(redisPassword));
  const postalStores = opened.use(await postalDatabases());
  const logins = opened.use(await mariadbLogins(postalStores));
  const ports = await listeners();
  const address = { ...database.address, user: owner, password: new Secret('at first') };
  const folder = folderFor(
    { address },
    { ...variables(ports, redis.url, postalStores), ...logins.variables },
  );
  opened.defer(() => folder[Symbol.dispose]());
  await writeFile(join(folder.path, 'runner.cjs'), runnerProgram);
  await mkdir(join(folder.path, 'secrets'), { mode: 0o700 });
  const signing = (await makeRsaKey(2048)).privatePem;
  await writeFile(join(folder.path, 'secrets/postal-signing.key'), signing.reveal(), { mode: 0o600 });
  const age = await keepAgeKeys(folder.path);
  const postal = opened.use(await restartingPostal(() => startPostal(folder.path, ports, postalStores)));
  const dns = opened.use(await startNameServer([]));
  const own = {
    RELAY_JOURNAL_DIR: join(folder.path, 'journal'),
    RELAY_SPILL_DIR: join(folder.path, 'spill'),
    DNS_RESOLVER: `127.0.0.1:${dns.port}`,
    DNS_AUTHORITATIVE: 'false',
    POSTAL_RESTART: `'${process.execPath} restart.cjs ${postal.url}'`,
  };
  await writeFile(join(folder.path, 'restart.cjs'), restartProgram);
  const lines = Object.entries(own).map((pair) => `${pair.join('=')}\n`);
  await appendFile(join(folder.path, '.env'), lines.join(''));
  const mailctl = (...words: readonly string[]) => runJson(folder, ...words);
  await mailctl('postal', 'apply', '--yes');
  const running = new Map<Room, Program>();
  const start = async (room: Room) => {
    const environment = environments[room] ?? {};
    const program = await startProgram('mailctl.ts', { args: ['-C', folder.path, room], environment });
    running.set(room, opened.use(program));
  };
  for (const room of rooms) await start(room);
  const ready = (room: Room) => until(() => isReady(ports, room), Boolean, patienceMs);
  await Promise.all(rooms.map(ready));
  const world = { db: database.db, clock: systemClock, random: systemRandom };
  const access = {
    key: await createApiKey(world, { name: 'shop', scopes: ['send'], expiresAt: undefined }),
    password: (await createSmtpUser(world, { username: 'ams', senderDomains: [] })) ?? new Secret(''),
    webhook: await createWebhookEndpoint(world, { url: hook, sealingKey: new Secret(goodSecret) }),
  };
  return {
    db: database.db,
    address,
    folder,
    ports,
    redis,
    postalStores,
    logins,
    access,
    signing,
    age,
    publishSigning: async () => {
      dns.records = await comingRecords(folder.path);
    },
    restarts: postal.restarts,
    mailctl,
    start,
    /** Ends a room as an operator does. */
    stop: async (room: Room) => {
      running.get(room)?.kill('SIGTERM');
      await running.get(room)?.ended;
    },
    ready,
    signal: (room: Room, signal: 'SIGSTOP' | 'SIGCONT') => running.get(room)?.kill(signal),
    /** What the rooms complained of last. */
    complaints: (most: number) =>
      [...running].flatMap(([room, program]) =>
        program
          .complaints()
          .slice(-most)
          .map((line) => `${room}: ${line}`),
      ),
    env: async () => parseEnvFile(await readFile(join(folder.path, '.env'), 'utf8')).values,
    figure: (room: Room, name: string) => figureOf(ports, room, name),
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

/** What backups are sealed to. */
async function keepAgeKeys(folder: string) {
  const [escrow, verify, nextEscrow] = [await makeAgeKey(), await makeAgeKey(), await makeAgeKey()];
  const keep = (name: string, text: string) =>
    writeFile(join(folder, 'secrets', name), `${text}\n`, { mode: 0o600 });
  await keep('backup-escrow.pub', escrow.recipient);
  await keep('backup-verify.key', verify.identity.reveal());
  return { verify, nextEscrow };
}

type Ports = Awaited<ReturnType<typeof listeners>>;

async function listeners() {
  const names = ['api', 'internal', 'apiHealth', 'workerHealth', 'relayHealth', 'relay', 'postal'] as const;
  const found = await Promise.all(names.map(async (name) => [name, await freePort()] as const));
  return Object.fromEntries(found) as Record<(typeof names)[number], number>;
}

const healthOf = { api: 'apiHealth', worker: 'workerHealth', relay: 'relayHealth' } as const;

async function isReady(ports: Ports, room: Room): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${ports[healthOf[room]]}/health/ready`).catch(() => undefined);
  return answer?.status === 200;
}

/** The sum of a figure's lines. */
async function figureOf(ports: Ports, room: Room, name: string): Promise<Readonly<Record<string, number>>> {
  const text = await (await fetch(`http://127.0.0.1:${ports[healthOf[room]]}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]),
  );
}

function variables(ports: Ports, redisUrl: string, { reader, names }: TestPostal) {
  const at = (name: keyof Ports) => `127.0.0.1:${ports[name]}`;
  return {
    LOG_LEVEL: 'info',
    REDIS_URL: redisUrl,
    REDIS_PASSWORD: redisPassword,
    // A busy machine is no Redis that does not answer.
    REDIS_TIMEOUT: '10s',
    SECRETS_RELOAD_INTERVAL: '300ms',
    API_KEY_USE_INTERVAL: '500ms',
    API_RATE_LIMIT: '1000000',
    API_LISTEN: at('api'),
    API_URL: `http://${at('api')}`,
    API_INTERNAL_LISTEN: at('internal'),
    API_INTERNAL_URL: `http://${at('internal')}`,
    API_HEALTH_LISTEN: at('apiHealth'),
    WORKER_HEALTH_LISTEN: at('workerHealth'),
    WORKER_POLL_INTERVAL: '50ms',
    WEBHOOK_ALLOWED_ADDRESSES: '127.0.0.0/8',
    RELAY_SUBMISSION_LISTEN: 'off',
    RELAY_TLS_LISTEN: 'off',
    RELAY_TLS_CERT_FILE: '',
    RELAY_TLS_KEY_FILE: '',
    RELAY_PRIVATE_LISTEN: at('relay'),
    RELAY_HEALTH_LISTEN: at('relayHealth'),
    RELAY_JOURNAL_MIN_FREE: '1MB',
    SMTP_AUTH_CACHE_TTL: '500ms',
    // Where two secrets are the same, the use of one is taken for that of the other.
    POSTAL_WEBHOOK_TOKEN: systemRandom.secret().reveal(),
    POSTAL_URL: `http://${at('postal')}`,
    POSTAL_HOSTNAME: 'postal.example.com',
    POSTAL_API_FROM_POSTAL: `http://${at('api')}`,
    POSTAL_RUNNER: `'${process.execPath} runner.cjs http://${at('postal')}/_stand-in/runner'`,
    POSTAL_DB_HOST: reader.host,
    POSTAL_DB_USER: reader.user,
    POSTAL_DB_PASSWORD: reader.password.reveal(),
    POSTAL_DB_NAME: names.main,
    POSTAL_DB_MESSAGE_PREFIX: names.messagePrefix,
    POSTAL_RECONCILE_INTERVAL: '1s',
    POSTAL_TIMEOUT: '5s',
    POSTAL_SETTLE_TIME: '1s',
    POSTAL_BREAKER_OPEN: '200ms',
    POSTAL_BREAKER_OPEN_MAX: '500ms',
    POSTAL_WEBHOOK_TOKEN_OVERLAP: '1s',
    POSTAL_KEY_OVERLAP: '1s',
    WORKER_LEASE: '10s',
  };
}

async function startPostal(folder: string, ports: Ports, { names, messages }: TestPostal): Promise<Program> {
  const given = {
    port: ports.postal,
    hostname: 'postal.example.com',
    signingKey: join(folder, 'secrets/postal-signing.key'),
    registry: join(folder, 'postal-registry.json'),
    // What stands in Postal's own configuration, in a stack.
    login: join(folder, '.env'),
    main: names.main,
    messages,
    serverId: Number(messages.split('-').at(-1)),
  };
  return startProgram('postal.ts', { environment: { POSTAL: JSON.stringify(given) } });
}
