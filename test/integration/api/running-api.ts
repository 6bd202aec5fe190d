import { generateKeyPairSync, type KeyObject } from 'node:crypto';

import { systemClock } from '../../../src/adapters/clock.ts';
import type { HttpEnd, HttpRequest } from '../../../src/adapters/http.ts';
import { openLog } from '../../../src/adapters/log.ts';
import { composeMessage, readAddresses } from '../../../src/adapters/mime.ts';
import type { Postgres } from '../../../src/adapters/postgres.ts';
import { systemRandom } from '../../../src/adapters/random.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { composeApiKey, digestOf, type Scope } from '../../../src/domain/api-key.ts';
import { type Id, newId } from '../../../src/domain/id.ts';
import { Secret } from '../../../src/domain/secret.ts';
import type { ApiConfig, ApiWorld } from '../../../src/services/api/room.ts';
import { startApi } from '../../../src/services/api/start.ts';
import type { Running } from '../../../src/services/running.ts';
import { insertApiKey, type KeyBounds } from '../../../src/store/api-keys.ts';
import { testDatabase } from '../../engines/postgres.ts';

/** Postal's signing key in these tests. */
export const signing: { readonly publicKey: KeyObject; readonly privateKey: KeyObject } = generateKeyPairSync(
  'rsa',
  { modulusLength: 2048 },
);

export const internalToken = 'an-internal-token-that-is-long-enough-0123456789';
export const unsubscribeKey = 'an-unsubscribe-key-that-is-long-enough-0123456789';
export const sealingKey = 'a-sealing-key-that-is-long-enough-0123456789';
export const webhookToken = 'a-webhook-token-that-is-long-enough-0123456789';

const environment = {
  MAILCTL_MODE: 'sandbox',
  LOG_LEVEL: 'debug',
  API_LISTEN: '127.0.0.1:0',
  API_INTERNAL_LISTEN: '127.0.0.1:0',
  API_HEALTH_LISTEN: '127.0.0.1:0',
  API_INTERNAL_TOKEN: internalToken,
  POSTAL_WEBHOOK_TOKEN: webhookToken,
  POSTAL_WEBHOOK_PUBLIC_KEY: signing.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  POSTAL_HOSTNAME: 'postal.example.test',
  POSTGRES_PASSWORD: 'unused-here-unused-here-unused-here-0123456789',
  WEBHOOK_SEALING_KEY: sealingKey,
  UNSUBSCRIBE_KEY: unsubscribeKey,
};

/** A configuration on free ports; `variables` are what a test is about. */
export function apiConfig(variables: Readonly<Record<string, string>> = {}): ApiConfig {
  return loadConfig('api', {
    environment: { ...environment, ...variables },
    file: undefined,
    readFile: () => '',
  });
}

export interface ApiUnderTest extends AsyncDisposable {
  readonly db: Postgres;
  readonly running: Running;
  /** Base URLs of the listeners. */
  readonly url: string;
  readonly internal: string;
  readonly health: string;
  /** A key with every scope. */
  readonly key: Secret;
  readonly lines: readonly string[];
}

export type WorldChanges = Partial<ApiWorld>;

/** The whole api on free ports, over a database of its own. */
export async function runningApi(
  variables: Readonly<Record<string, string>> = {},
  changes: WorldChanges = {},
): Promise<ApiUnderTest> {
  const database = await testDatabase();
  const lines: string[] = [];
  const config = apiConfig(variables);
  const world: ApiWorld = {
    clock: systemClock,
    random: systemRandom,
    log: openLog('api', config.LOG_LEVEL, { write: (line) => void lines.push(line) }),
    db: database.db,
    http: { exchange: noNetwork },
    mime: { composeMessage, readAddresses },
    ...changes,
  };
  const running = await startApi(config, world);
  const { key } = await addKey(database.db, ['admin']);
  return {
    db: database.db,
    running,
    url: urlOf(running, 'public'),
    internal: urlOf(running, 'internal'),
    health: urlOf(running, 'health'),
    key,
    lines,
    [Symbol.asyncDispose]: async () => {
      await running.stop();
      await database[Symbol.asyncDispose]();
    },
  };
}

/** Issues a key in the database. */
export async function addKey(
  db: Postgres,
  scopes: readonly Scope[],
  expiresAt?: Date,
  bounds: Partial<KeyBounds> = {},
): Promise<{ key: Secret; id: Id<'mk'> }> {
  const id = newId('mk', new Date(), systemRandom.bytes(10));
  const secret = new Secret(systemRandom.letters(50));
  await insertApiKey(db, { id, name: 'test', digest: digestOf(secret), scopes, expiresAt, ...bounds });
  return { id, key: composeApiKey(id, secret) };
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** Sends a request with a key, and reads the JSON it is answered with. */
export async function call(
  api: Pick<ApiUnderTest, 'url' | 'key'>,
  method: string,
  path: string,
  request: { body?: unknown; raw?: string | Uint8Array; headers?: Record<string, string>; key?: Secret } = {},
): Promise<Answer> {
  const raw = request.raw ?? (request.body === undefined ? undefined : JSON.stringify(request.body));
  const response = await fetch(`${api.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${(request.key ?? api.key).reveal()}`,
      ...(raw !== undefined && { 'content-type': 'application/json' }),
      ...request.headers,
    },
    ...(raw !== undefined && { body: raw }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) };
}

/** Rows in a table. */
export async function countOf(db: Postgres, table: string): Promise<number> {
  const [row] = await db.query<{ count: string }>(`select count(*) from ${table}`);
  return Number(row?.count);
}

function urlOf(running: Running, name: string): string {
  const address = running.addresses[name];
  if (!address) throw new Error(`the api has no listener ${name}`);
  return `http://127.0.0.1:${address.port}`;
}

async function noNetwork({ url }: HttpRequest): Promise<HttpEnd> {
  return { end: 'not-sent', why: `${url} is not there`, forbidden: false };
}
