import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { freePort } from '../../../src/adapters/free-port.ts';
import { startManagedPostgres } from '../../../src/adapters/managed-postgres.ts';
import { openPostgres } from '../../../src/adapters/postgres.ts';
import { systemRandom } from '../../../src/adapters/random.ts';
import { hashPassword } from '../../../src/domain/password.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { insertSmtpCredential } from '../../../src/store/smtp-credentials.ts';
import { testLimits } from '../../engines/postgres-address.ts';
import { ann, relayEnvironment } from '../../services/relay/running-door.ts';
import { serve, serverFolder } from './served-program.ts';

const mailctl = fileURLToPath(new URL('../../../bin/mailctl.js', import.meta.url));

/** What stands behind a relay. */
export interface Behind extends AsyncDisposable {
  readonly url: string;
}

/** An api that knows the login of ann and then is away: everything else is cut off without an answer. */
export async function startAbsentApi(): Promise<Behind> {
  const credential = { id: 'usr_ann', username: ann.username, senderDomains: ['example.com'] };
  const server = createServer(async (request, response) => {
    if (request.url !== '/internal/v1/smtp-auth') return void request.socket.destroy();
    await request.toArray();
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ outcome: 'accepted', credential }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () => shut(server),
  };
}

function shut(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** The real api, and how many messages it has. */
export interface RealApi extends Behind {
  stored(): Promise<number>;
}

/** The api as it is built and run, over a PostgreSQL that syncs every commit. */
export async function startRealApi(): Promise<RealApi> {
  const postgres = await startManagedPostgres(
    { durable: true, loopback: true, startTimeoutMs: 60_000 },
    { random: systemRandom },
  );
  const db = openPostgres({ ...postgres.address, ...testLimits });
  const folder = await serverFolder('api');
  const [internal, open] = [await freePort(), await freePort()];
  const { host, port, database, user, password } = postgres.address;
  const api = await serve({
    name: 'the api',
    argv: [process.execPath, mailctl, 'api'],
    folder,
    ports: { plain: internal, tls: open },
    auth: undefined,
    environment: {
      ...relayEnvironment(join(folder, 'unused')),
      API_INTERNAL_LISTEN: `127.0.0.1:${internal}`,
      API_LISTEN: `127.0.0.1:${open}`,
      API_HEALTH_LISTEN: '127.0.0.1:0',
      POSTAL_HOSTNAME: 'postal.example.com',
      POSTAL_WEBHOOK_TOKEN: systemRandom.letters(40),
      WEBHOOK_SEALING_KEY: systemRandom.letters(40),
      UNSUBSCRIBE_KEY: systemRandom.letters(40),
      POSTGRES_HOST: host,
      POSTGRES_PORT: String(port),
      POSTGRES_DATABASE: database,
      POSTGRES_USER: user,
      POSTGRES_PASSWORD: password.reveal(),
    },
  });
  const passwordHash = await hashPassword(new Secret(ann.password), systemRandom.bytes(16));
  await insertSmtpCredential(db, {
    id: 'usr_ann',
    username: ann.username,
    passwordHash,
    senderDomains: ['example.com'],
  });
  return {
    url: `http://127.0.0.1:${internal}`,
    stored: async () => {
      const [row] = await db.query<{ count: number }>('select count(*)::integer as count from messages');
      return row?.count ?? 0;
    },
    [Symbol.asyncDispose]: async () => {
      await api[Symbol.asyncDispose]();
      await db[Symbol.asyncDispose]();
      await postgres.stop();
    },
  };
}
