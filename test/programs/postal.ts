// Postal's stand-in as a process of its own, over databases of Postal's own schema. What it is to be stands in POSTAL, as JSON.
import { readFile, rename, writeFile } from 'node:fs/promises';

import { createPool, type RowDataPacket } from 'mysql2/promise';
import { z } from 'zod';

import { systemClock } from '../../src/adapters/clock.ts';
import { openLog } from '../../src/adapters/log.ts';
import { systemRandom } from '../../src/adapters/random.ts';
import { parseEnvFile } from '../../src/config/env-file.ts';
import { Secret } from '../../src/domain/secret.ts';
import type { Provisioned } from '../../src/postal-stand-in/registry.ts';
import { startPostalStandIn } from '../../src/postal-stand-in/start.ts';
import { postalLedger, type Run } from '../engines/postal-ledger.ts';

const given = z
  .object({
    port: z.number(),
    hostname: z.string(),
    signingKey: z.string(),
    registry: z.string(),
    /** The `.env` that says where MariaDB is and with which login Postal writes. */
    login: z.string(),
    main: z.string(),
    messages: z.string(),
    serverId: z.number(),
  })
  .parse(JSON.parse(process.env['POSTAL'] ?? ''));

const env = parseEnvFile(await readFile(given.login, 'utf8')).values;
const own = (name: string) => env.get(`MARIADB_POSTAL_${name}`)?.text ?? '';
const pool = createPool({
  socketPath: own('HOST'),
  user: own('USER'),
  password: own('PASSWORD'),
  database: given.main,
  connectionLimit: 4,
});
const run: Run = async (text, values = []) => {
  const [rows] = await pool.execute<RowDataPacket[]>(text, [...values]);
  return rows;
};

/** The table of credentials is what tells a reader which mail server a key is of. */
async function mirrorCredentials({ credentials }: Provisioned): Promise<void> {
  const keys = credentials.map(({ key }) => key);
  const there = await run('select `key` from credentials where server_id = ?', [given.serverId]);
  for (const { key, type, name } of credentials.filter((one) => !there.some((row) => row['key'] === one.key)))
    await run('insert into credentials (server_id, `key`, type, name) values (?, ?, ?, ?)', [
      given.serverId,
      key,
      type,
      name,
    ]);
  for (const row of there.filter((one) => !keys.includes(String(one['key']))))
    await run('delete from credentials where server_id = ? and `key` = ?', [
      given.serverId,
      String(row['key']),
    ]);
}

const log = openLog('postal', 'warn', process.stderr);
const postal = await startPostalStandIn(
  {
    listen: { host: '127.0.0.1', port: given.port },
    webHostname: given.hostname,
    apiKeys: [],
    domains: [],
    signingKey: new Secret(await readFile(given.signingKey, 'utf8')),
    registry: {
      load: async () =>
        readFile(given.registry, 'utf8').then(
          (text) => JSON.parse(text) as Provisioned,
          () => undefined,
        ),
      save: async (provisioned) => {
        await mirrorCredentials(provisioned);
        await writeFile(`${given.registry}.new`, JSON.stringify(provisioned));
        await rename(`${given.registry}.new`, given.registry);
      },
    },
  },
  {
    clock: systemClock,
    random: systemRandom,
    log,
    ledger: postalLedger({ run, messages: given.messages, serverId: given.serverId }),
  },
);
process.once('SIGTERM', () => void postal.stop().then(() => process.exit(0)));
process.stdout.write(`${JSON.stringify({ url: postal.url, kid: postal.kid })}\n`);
