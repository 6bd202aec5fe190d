import { generateKeyPairSync, type KeyObject } from 'node:crypto';

import { freePort } from '../../../src/adapters/free-port.ts';
import { type ManagedPostgres, startManagedPostgres } from '../../../src/adapters/managed-postgres.ts';
import { openPostgres, type Postgres } from '../../../src/adapters/postgres.ts';
import { systemRandom } from '../../../src/adapters/random.ts';
import type { FaultOrder } from '../../../src/postal-stand-in/faults.ts';
import { migrate, migrations } from '../../../src/store/migrate.ts';
import type { TestPostal } from '../../engines/postal-databases.ts';
import { testLimits } from '../../engines/postgres-address.ts';
import { type Program, startProgram } from '../../programs/program.ts';

export const leaseMs = 2500;
export const settleMs = 2500;

const files = {
  api: 'api.ts',
  postal: 'postal-stand-in.ts',
  'worker one': 'worker.ts',
  'worker two': 'worker.ts',
} as const;

export type Room = keyof typeof files;

/** The back half of the platform, each part a process, on ports that outlive them. */
export interface Platform extends AsyncDisposable {
  readonly db: Postgres;
  readonly postgres: ManagedPostgres;
  readonly apiUrl: string;
  readonly postalUrl: string;
  /** Where Postal's webhooks go, and what it signs them with. */
  readonly webhookUrl: string;
  readonly signing: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  program(room: Room): Program;
  /** Ends a room with SIGKILL, unless it has ended, and starts it again. */
  kill(room: Room): Promise<void>;
  /** Ends a room as an operator does, and starts it again. Answers with what it ended. */
  restart(room: Room): Promise<number | string>;
  /** Orders a fault, unless Postal is away just now. */
  order(fault: FaultOrder): Promise<void>;
}

/** What PostgreSQL has said is committed survives the end of its processes; only a failing machine could take it. */
const settings = { max_connections: '60', synchronous_commit: 'on' };

/** Starts it over databases of Postal's schema; `worker` are variables of the workers that are not as short as a chaos wants them. */
export async function startPlatform(
  databases: TestPostal,
  worker: Readonly<Record<string, string>> = {},
): Promise<Platform> {
  const postgres = await startManagedPostgres(
    { durable: false, loopback: true, startTimeoutMs: 60_000, settings },
    { random: systemRandom },
  );
  const db = openPostgres({ ...postgres.address, ...testLimits });
  await migrate(db, await migrations(), 60_000);
  const ports = { api: await freePort(), postal: await freePort() };
  const signing = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const token = systemRandom.letters(40);
  const webhookUrl = `http://127.0.0.1:${ports.api}/webhooks/postal/${token}`;
  const doors = { ...ports, token, webhookUrl, signing };
  const environments = environmentsOf({ databases, postgres, doors, worker });
  const running = new Map<Room, Program>();
  const start = async (room: Room): Promise<void> => {
    running.set(room, await startedAtLast(files[room], environments[room]));
  };
  const program = (room: Room): Program => {
    const found = running.get(room);
    if (!found) throw new Error(`${room} does not run`);
    return found;
  };
  const end = async (room: Room, signal: NodeJS.Signals) => {
    program(room).kill(signal);
    const ended = await program(room).ended;
    await start(room);
    return ended;
  };
  for (const room of ['postal', 'api', 'worker one', 'worker two'] as const) await start(room);
  return {
    db,
    postgres,
    apiUrl: `http://127.0.0.1:${ports.api}`,
    postalUrl: `http://127.0.0.1:${ports.postal}`,
    webhookUrl,
    signing,
    program,
    kill: async (room) => void (await end(room, 'SIGKILL')),
    restart: (room) => end(room, 'SIGTERM'),
    order: (fault) => orderAt(`http://127.0.0.1:${ports.postal}`, fault),
    [Symbol.asyncDispose]: async () => {
      for (const one of running.values()) await one[Symbol.asyncDispose]();
      await db[Symbol.asyncDispose]();
      await postgres.stop();
    },
  };
}

/** PostgreSQL may be away while a room starts; whoever runs it starts it again. */
async function startedAtLast(file: string, environment: Readonly<Record<string, string>>): Promise<Program> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await startProgram(file, { environment });
    } catch (error) {
      if (tries === 20) throw error;
    }
  }
}

async function orderAt(url: string, fault: FaultOrder): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify(fault);
  await fetch(`${url}/_stand-in/faults`, {
    method: 'POST',
    headers,
    body,
    signal: AbortSignal.timeout(2000),
  }).catch(() => undefined);
}

interface Doors extends Pick<Platform, 'webhookUrl' | 'signing'> {
  readonly api: number;
  readonly postal: number;
  readonly token: string;
}

interface Parts {
  readonly databases: TestPostal;
  readonly postgres: ManagedPostgres;
  readonly doors: Doors;
  readonly worker: Readonly<Record<string, string>>;
}

function environmentsOf({ databases, postgres: { address }, doors, worker: changes }: Parts) {
  const both = {
    MAILCTL_MODE: 'sandbox',
    LOG_LEVEL: 'info',
    POSTGRES_HOST: address.host,
    POSTGRES_PORT: String(address.port),
    POSTGRES_DATABASE: address.database,
    POSTGRES_USER: address.user,
    POSTGRES_PASSWORD: address.password.reveal(),
    POSTGRES_POOL_SIZE: '5',
    POSTAL_URL: `http://127.0.0.1:${doors.postal}`,
    POSTAL_HOSTNAME: 'postal.example.test',
    WEBHOOK_SEALING_KEY: 'k'.repeat(43),
    UNSUBSCRIBE_KEY: 'u'.repeat(43),
  };
  const worker = { ...both, ...workerOf(databases), ...changes };
  return {
    postal: {
      POSTAL_STAND_IN: JSON.stringify({
        place: databases.place,
        port: doors.postal,
        apiKey: databases.names.apiKey.reveal(),
        signingKey: doors.signing.privateKey.export({ type: 'pkcs1', format: 'pem' }),
        webhookUrl: doors.webhookUrl,
      }),
    },
    api: {
      ...both,
      API_LISTEN: `127.0.0.1:${doors.api}`,
      API_HEALTH_LISTEN: '127.0.0.1:0',
      API_INTERNAL_LISTEN: '127.0.0.1:0',
      API_INTERNAL_TOKEN: 't'.repeat(43),
      API_RATE_LIMIT: '1000000',
      POSTAL_WEBHOOK_TOKEN: doors.token,
    },
    'worker one': worker,
    'worker two': worker,
  } satisfies Record<Room, Readonly<Record<string, string>>>;
}

function workerOf({ reader, names }: TestPostal): Readonly<Record<string, string>> {
  return {
    MAIL_DOMAIN: 'mail.acme.test',
    ADMIN_EMAIL: 'ops@acme.test',
    POSTAL_API_KEY: names.apiKey.reveal(),
    POSTAL_DB_HOST: reader.host,
    POSTAL_DB_USER: reader.user,
    POSTAL_DB_PASSWORD: reader.password.reveal(),
    POSTAL_DB_NAME: names.main,
    POSTAL_DB_MESSAGE_PREFIX: names.messagePrefix,
    POSTAL_TIMEOUT: '1500ms',
    POSTAL_CONNECT_TIMEOUT: '500ms',
    POSTAL_SETTLE_TIME: `${settleMs}ms`,
    POSTAL_RECIPIENTS_PER_CALL: '2',
    POSTAL_BREAKER_OPEN: '100ms',
    POSTAL_BREAKER_OPEN_MAX: '500ms',
    DELIVERY_RETRY_BASE: '100ms',
    DELIVERY_RETRY_MAX: '1s',
    API_URL: 'https://api.acme.test',
    WORKER_LEASE: `${leaseMs}ms`,
    WORKER_BATCH: '8',
    WORKER_POLL_INTERVAL: '20ms',
    WORKER_ERROR_WAIT_MAX: '200ms',
    WORKER_HEALTH_LISTEN: '127.0.0.1:0',
  };
}
