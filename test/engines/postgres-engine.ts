import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import {
  type ManagedPostgres,
  type ManagedPostgresOptions,
  startManagedPostgres,
} from '../../src/adapters/managed-postgres.ts';
import { openPostgres } from '../../src/adapters/postgres.ts';
import type { PostgresSearch } from '../../src/adapters/postgres-binaries.ts';
import { systemRandom } from '../../src/adapters/random.ts';
import { OperatorError } from '../../src/domain/failure.ts';
import { migrate, migrations } from '../../src/store/migrate.ts';
import { cacheFolder, libraryFolders, unpackDebian } from './debian-packages.ts';
import { testLimits } from './postgres-address.ts';
import { quickPlaces } from './quick-places.ts';
import type { RunningEngine } from './running-engine.ts';

/** A PostgreSQL without fsync whose database `migrated` is the template that tests clone. */
export async function startPostgresEngine(): Promise<RunningEngine> {
  const { address, stop } = await startSomePostgres({
    durable: false,
    loopback: false,
    startTimeoutMs: 60_000,
    places: await quickPlaces(),
    settings: { max_connections: '300' },
  });
  try {
    await using main = openPostgres({ ...address, ...testLimits });
    await main.query('create database migrated');
    await using template = openPostgres({ ...address, ...testLimits, database: 'migrated' });
    await migrate(template, await migrations(), 60_000);
  } catch (error) {
    await stop();
    throw error;
  }
  return { address: { ...address, password: address.password.reveal() }, stop };
}

/** Where neither the machine nor the npm package has one, Debian's package does. */
async function startSomePostgres(options: ManagedPostgresOptions): Promise<ManagedPostgres> {
  try {
    return await startManagedPostgres(options, { random: systemRandom });
  } catch (error) {
    if (!(error instanceof OperatorError && error.message.startsWith('no PostgreSQL'))) throw error;
    return startManagedPostgres({ ...options, search: await debianSearch() }, { random: systemRandom });
  }
}

async function debianSearch(): Promise<PostgresSearch> {
  const tree = await unpackDebian({ name: 'postgresql', brings: 'usr/lib/postgresql' }, cacheFolder());
  const libraries = await libraryFolders(tree);
  const versions = await readdir(join(tree, 'usr/lib/postgresql'));
  const movable = versions.map((version) => ({ tree, bin: `usr/lib/postgresql/${version}/bin`, libraries }));
  return { path: '', versions: '/nowhere', movable };
}
