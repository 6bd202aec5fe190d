// The Postal stand-in as a process of its own, which keeps its rows in MariaDB: killed and started again it goes on with what is stored.
import './stepping-date.ts';

import { createConnection, type RowDataPacket } from 'mysql2/promise';

import { systemClock } from '../../src/adapters/clock.ts';
import { silentLog } from '../../src/adapters/log.ts';
import { systemRandom } from '../../src/adapters/random.ts';
import { Secret } from '../../src/domain/secret.ts';
import { startPostalStandIn } from '../../src/postal-stand-in/start.ts';
import { postalLedger, type Run } from '../engines/postal-ledger.ts';

const { place, port, apiKey, signingKey, webhookUrl } = JSON.parse(process.env['POSTAL_STAND_IN'] ?? '{}');
const { socketPath, user, password, main, messages, serverId } = place;
const connection = await createConnection({ socketPath, user, password, database: main });
const run: Run = async (text, values = []) => {
  const [rows] = await connection.execute<RowDataPacket[]>(text, [...values]);
  return rows;
};
const postal = await startPostalStandIn(
  {
    listen: { host: '127.0.0.1', port },
    webHostname: 'postal.example.test',
    apiKeys: [new Secret(apiKey)],
    domains: ['acme.test'],
    signingKey: new Secret(signingKey),
    dkim: { key: new Secret(signingKey) },
    webhook: { url: webhookUrl },
    keep: { messages: 100_000 },
    pace: { acceptPerSecond: 85, deliverPerSecond: 0 },
    speed: 600,
  },
  {
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    ledger: postalLedger({ run, messages, serverId }),
  },
);
process.stdout.write(`${JSON.stringify({ url: postal.url })}\n`);
