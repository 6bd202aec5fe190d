import { z } from 'zod';

import { openPostgres, type Postgres, type PostgresAddress } from '../../src/adapters/postgres.ts';
import { systemRandom } from '../../src/adapters/random.ts';
import { Secret } from '../../src/domain/secret.ts';
import { askForEngine } from './engine.ts';
import { testLimits } from './postgres-address.ts';

const addressShape = z.object({
  host: z.string(),
  port: z.number(),
  database: z.string(),
  user: z.string(),
  password: z.string().transform((value) => new Secret(value)),
});

/** A database of a test's own on the real PostgreSQL of this run; disposing drops it, whoever is still connected. */
export interface TestDatabase extends AsyncDisposable {
  readonly db: Postgres;
  readonly address: PostgresAddress;
}

/** A migrated database, cloned in some 25 ms: `await using database = await testDatabase()`; on a server of the test's own where one is given. */
export function testDatabase(server?: unknown): Promise<TestDatabase> {
  return createDatabase('migrated', server);
}

/** A database without any table. */
export function emptyDatabase(): Promise<TestDatabase> {
  return createDatabase('template0');
}

async function createDatabase(template: string, given?: unknown): Promise<TestDatabase> {
  const found = given ? addressShape.parse(given) : (await askForEngine('postgres', addressShape)).address;
  const server = { ...found, ...testLimits };
  const address = { ...server, database: `test_${systemRandom.letters(12)}` };
  await administer(server, `create database ${address.database} template ${template} strategy file_copy`);
  const db = openPostgres(address);
  return {
    db,
    address,
    [Symbol.asyncDispose]: async () => {
      await db[Symbol.asyncDispose]();
      await administer(server, `drop database if exists ${address.database} with (force)`);
    },
  };
}

async function administer(server: PostgresAddress, statement: string): Promise<void> {
  await using main = openPostgres({ ...server, poolSize: 1 });
  await main.query(statement);
}
