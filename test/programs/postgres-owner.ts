// Starts a managed PostgreSQL and says where; ends on SIGTERM. With `announce` it says something before it starts. With `nobody` it
// gives up root first, after loading all it needs, because the checkout may lie where only root may read.
import 'execa';

import { startManagedPostgres } from '../../src/adapters/managed-postgres.ts';
import { openPostgres } from '../../src/adapters/postgres.ts';
import { systemRandom } from '../../src/adapters/random.ts';

if (process.argv.includes('nobody')) {
  process.setgroups?.([]);
  process.setgid?.(65_534);
  process.setuid?.(65_534);
}

if (process.argv.includes('announce')) process.stdout.write('{}\n');
const { address, folder, major, stop } = await startManagedPostgres(
  { durable: false, loopback: false, startTimeoutMs: 60_000 },
  { random: systemRandom },
);
const limits = {
  poolSize: 1,
  connectTimeoutMs: 5_000,
  statementTimeoutMs: 5_000,
  answerTimeoutMs: 5_000,
  keepAliveMs: 5_000,
  idleTimeoutMs: 5_000,
  applicationName: 'owner',
};
const db = openPostgres({ ...address, ...limits });
const [row] = await db.query(`select current_setting('server_encoding') as encoding, lower('ÄÖ') as lower`);
process.once('SIGTERM', () => void db[Symbol.asyncDispose]().then(stop));
process.stdout.write(`${JSON.stringify({ folder, major, ...row })}\n`);
