import { startManagedPostgres } from '../../src/adapters/managed-postgres.ts';
import { openPostgres } from '../../src/adapters/postgres.ts';
import { systemRandom } from '../../src/adapters/random.ts';
import { migrate, migrations } from '../../src/store/migrate.ts';
import { testLimits } from './postgres-address.ts';
import { quickPlaces } from './quick-places.ts';
import type { RunningEngine } from './running-engine.ts';

/** A PostgreSQL without fsync whose database `migrated` is the template that tests clone. */
export async function startPostgresEngine(): Promise<RunningEngine> {
  const { address, stop } = await startManagedPostgres(
    {
      durable: false,
      loopback: false,
      startTimeoutMs: 60_000,
      places: await quickPlaces(),
      settings: { max_connections: '300' },
    },
    { random: systemRandom },
  );
  {
    await using main = openPostgres({ ...address, ...testLimits });
    await main.query('create database migrated');
  }
  {
    await using template = openPostgres({ ...address, ...testLimits, database: 'migrated' });
    await migrate(template, await migrations(), 60_000);
  }
  return { address: { ...address, password: address.password.reveal() }, stop };
}
