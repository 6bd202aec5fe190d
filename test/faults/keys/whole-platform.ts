import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { makeAgeKey } from '../../../src/adapters/age.ts';
import { type Clock, systemClock } from '../../../src/adapters/clock.ts';
import { makeRsaKey } from '../../../src/adapters/rsa.ts';
import type { Provisioned } from '../../../src/postal-stand-in/registry.ts';
import { goodSecret } from '../../config/valid-sources.ts';
import { startNameServer } from '../../dns/name-server.ts';
import { postalDatabases } from '../../engines/postal-databases.ts';
import { platform } from '../../integration/cli/rotating-platform.ts';
import { startTestPostal } from '../../postal-stand-in/stand-in.ts';
import { comingRecords, runnerProgram } from './coming-record.ts';
import { mariadbLogins } from './mariadb-logins.ts';

const keys = { API: 'a'.repeat(24), SMTP: 's'.repeat(24) };
const signing = (await makeRsaKey(2048)).privatePem;

/** A folder that has a key of every kind, with everything they are keys of; Postal's DNS is what the test publishes, and its time that of `clock`. */
export async function wholePlatform(
  redisUrl: string,
  changes: Readonly<Record<string, string>> = {},
  clock: Clock = systemClock,
) {
  const base = await platform(redisUrl);
  const { path } = base.folder;
  const stores = await postalDatabases();
  const registry = provisioned();
  const shelf = { load: async () => registry, save: async () => undefined };
  const postal = await startTestPostal(
    { apiKeys: [], domains: ['example.com'], webHostname: 'postal.example.com', registry: shelf },
    { clock },
  );
  const dns = await startNameServer([]);
  const [escrow, verify, nextEscrow] = [await makeAgeKey(), await makeAgeKey(), await makeAgeKey()];
  const age = { escrow, verify, nextEscrow };
  await writeFile(join(path, 'runner.cjs'), runnerProgram);
  for (const name of ['secrets', 'state']) await mkdir(join(path, name), { mode: 0o700 });
  await writeFile(join(path, 'secrets/postal-signing.key'), signing.reveal(), { mode: 0o600 });
  await writeFile(join(path, 'secrets/backup-escrow.pub'), `${age.escrow.recipient}\n`, { mode: 0o600 });
  await writeFile(join(path, 'secrets/backup-verify.key'), `${age.verify.identity.reveal()}\n`, {
    mode: 0o600,
  });
  const { reader } = stores;
  const logins = await mariadbLogins(stores);
  const more = {
    POSTAL_RUNNER: `'${process.execPath} runner.cjs ${postal.postal.url}/_stand-in/runner'`,
    POSTAL_RESTART: "'touch restarted'",
    POSTAL_API_KEY: keys.API,
    POSTAL_SMTP_CREDENTIAL: keys.SMTP,
    POSTAL_DB_HOST: reader.host,
    POSTAL_DB_USER: reader.user,
    POSTAL_DB_PASSWORD: reader.password.reveal(),
    ...logins.variables,
    DNS_RESOLVER: `127.0.0.1:${dns.port}`,
    DNS_AUTHORITATIVE: 'false',
    ...changes,
  };
  await appendFile(
    join(path, '.env'),
    Object.entries(more)
      .map((pair) => `${pair.join('=')}\n`)
      .join(''),
  );
  return {
    ...base,
    age,
    stores,
    logins,
    registry,
    postal: postal.postal,
    signing,
    publishSigning: async () => {
      dns.records = await comingRecords(path);
    },
    [Symbol.asyncDispose]: async () => {
      await dns[Symbol.asyncDispose]();
      await postal[Symbol.asyncDispose]();
      await logins[Symbol.asyncDispose]();
      await stores[Symbol.asyncDispose]();
      await base[Symbol.asyncDispose]();
    },
  };
}

export type WholePlatform = Awaited<ReturnType<typeof wholePlatform>>;

function provisioned(): Provisioned {
  const door = `http://api:8080/webhooks/postal/${goodSecret}`;
  return {
    lastId: 10,
    administrators: ['ops@example.com'],
    organization: { name: 'example.com', permalink: 'mailctl', time_zone: 'UTC' },
    server: {
      permalink: 'outbound',
      id: 1,
      name: 'Outbound',
      mode: 'Live',
      send_limit: null,
      privacy_mode: true,
      raw_message_retention_days: 30,
      raw_message_retention_size: 20_000,
      message_retention_days: 60,
    },
    credentials: [
      { id: 2, type: 'API', name: 'mailctl', key: keys.API, last_used_at: null },
      { id: 3, type: 'SMTP', name: 'mailctl', key: keys.SMTP, last_used_at: null },
    ],
    domains: [],
    webhooks: [{ id: 4, name: 'mailctl', url: door }],
    endpoints: [{ name: 'mailctl', url: `${door}/inbound`, timeout: 30 }],
    routes: [],
  };
}
