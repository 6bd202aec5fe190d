import { ownDirectory } from '../adapters/directory-owner.ts';
import { systemDisk } from '../adapters/disk.ts';
import { type Http, openHttp } from '../adapters/http.ts';
import { composeMessage, readAddresses } from '../adapters/mime.ts';
import { openPostgres, type Postgres } from '../adapters/postgres.ts';
import type { ConfigOf } from '../config/environment.ts';
import { loadConfig } from '../config/load.ts';
import { requirePostalKey } from '../domain/postal-credential.ts';
import { postgresAddress } from '../config/postgres-address.ts';
import type { Room } from '../config/variable.ts';
import type { Opened } from '../domain/opened.ts';
import { Secret } from '../domain/secret.ts';
import { type PostalStandIn, startPostalStandIn } from '../postal-stand-in/start.ts';
import { startApi } from '../services/api/start.ts';
import { startRelay } from '../services/relay/start.ts';
import type { Running } from '../services/running.ts';
import { startWorker } from '../services/worker/start.ts';
import type { Texts } from './variables.ts';
import type { SandboxOptions, SandboxWorld } from './world.ts';

/** The rooms as they run, with the variables that lead to them. */
export interface Rooms {
  readonly config: ConfigOf<'operator'>;
  readonly variables: Texts;
  readonly postal: PostalStandIn;
}

/** Postal's retry schedules run a minute in a second, so that a sandbox shows them. */
const standInSpeed = 60;

interface Seat {
  readonly world: SandboxWorld;
  readonly opened: Opened;
  /** PEM of Postal's signing key. */
  readonly signingKey: Secret;
}

/** Starts the rooms from the back to the front, each on the real addresses of those behind it. */
export async function startRooms(
  first: Texts,
  { variables = {}, without = [] }: SandboxOptions,
  seat: Seat,
): Promise<Rooms> {
  const texts: Record<string, string | undefined> = { ...first, ...variables };
  const learn = (found: Texts) => Object.assign(texts, found, variables);
  const config = <R extends Room>(room: R): ConfigOf<R> =>
    loadConfig(room, { environment: texts, file: undefined, readFile: () => '' });

  learn(await apiRoom(config('api'), seat));
  const postal = await postalRoom(config('operator'), seat);
  learn({ POSTAL_URL: postal.url, E2E_MAILBOX_URL: `${postal.url}/_stand-in` });
  if (!without.includes('worker')) learn(await workerRoom(config('worker'), seat));
  if (!without.includes('relay')) learn(await relayRoom(config('relay'), seat));
  return { config: config('operator'), variables: texts, postal };
}

async function apiRoom(config: ConfigOf<'api'>, seat: Seat): Promise<Texts> {
  const api = await keep(
    startApi(config, {
      ...seat.world,
      log: seat.world.log('api'),
      db: database(config, 'api', seat),
      http: httpClient(seat, config.POSTAL_JWKS_TIMEOUT),
      mime: { composeMessage, readAddresses },
    }),
    seat,
  );
  return {
    API_LISTEN: at(api, 'public'),
    API_URL: `http://${at(api, 'public')}`,
    API_INTERNAL_LISTEN: at(api, 'internal'),
    API_INTERNAL_URL: `http://${at(api, 'internal')}`,
    API_HEALTH_LISTEN: at(api, 'health'),
  };
}

function postalRoom(config: ConfigOf<'operator'>, seat: Seat): Promise<PostalStandIn> {
  const door = `${config.API_URL}/webhooks/postal/${config.POSTAL_WEBHOOK_TOKEN.reveal()}`;
  const options = {
    listen: { host: '127.0.0.1', port: 0 },
    webHostname: config.POSTAL_HOSTNAME,
    apiKeys: [requirePostalKey(config)],
    domains: [config.MAIL_DOMAIN],
    webhook: { url: door },
    inbound: { url: `${door}/inbound` },
    signingKey: seat.signingKey,
    tracking: { trackWithoutProxy: true },
    speed: standInSpeed,
  };
  return keep(startPostalStandIn(options, { ...seat.world, log: seat.world.log('postal') }), seat);
}

async function workerRoom(config: ConfigOf<'worker'>, seat: Seat): Promise<Texts> {
  const db = database(config, 'worker', seat);
  const worker = await keep(startWorker(config, { ...seat.world, log: seat.world.log('worker'), db }), seat);
  return { WORKER_HEALTH_LISTEN: at(worker, 'health') };
}

async function relayRoom(config: ConfigOf<'relay'>, seat: Seat): Promise<Texts> {
  const relay = await keep(
    startRelay(config, {
      ...seat.world,
      log: seat.world.log('relay'),
      http: httpClient(seat, config.API_INTERNAL_TIMEOUT),
      disk: systemDisk,
      own: ownDirectory,
    }),
    seat,
  );
  const submission = at(relay, 'submission');
  return {
    RELAY_SUBMISSION_LISTEN: submission,
    RELAY_TLS_LISTEN: at(relay, 'tls'),
    RELAY_HEALTH_LISTEN: at(relay, 'health'),
    E2E_SMTP_ADDRESS: submission,
  };
}

async function keep<R extends Running>(starting: Promise<R>, { opened }: Seat): Promise<R> {
  const room = await starting;
  opened.defer(room.stop);
  return room;
}

function database(config: Parameters<typeof postgresAddress>[0], name: string, { opened }: Seat): Postgres {
  return opened.use(openPostgres(postgresAddress(config, `mailctl ${name}`)));
}

function httpClient({ opened }: Seat, connectTimeoutMs: number): Http {
  return opened.use(
    openHttp({ connections: 4, connectTimeoutMs, mostAnswerBytes: 1024 ** 2, keepAlive: true }),
  );
}

function at({ addresses }: Running, name: string): string {
  const address = addresses[name];
  if (!address) throw new TypeError(`the room has no listener ${name}`);
  return `${address.host}:${address.port}`;
}
