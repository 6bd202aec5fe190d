import { expect, it } from 'vitest';

import { openPostgres } from '../../src/adapters/postgres.ts';
import { migrate, type Migration, migrations, migrationStatus } from '../../src/store/migrate.ts';
import { emptyDatabase, testDatabase } from '../engines/postgres.ts';
import { schemaOf } from './schema.ts';

const waitMs = 20_000;
const known = await migrations();
const latest = Math.max(...known.map((migration) => migration.version));
const next = (sql: string): Migration => ({ version: latest + 1, name: 'next', sql });

it('applies every migration to an empty database, and nothing the second time', async () => {
  await using database = await emptyDatabase();

  expect((await migrationStatus(database.db, known)).missing).toEqual(known);
  expect(await migrate(database.db, known, waitMs)).toEqual(known);
  expect(await migrate(database.db, known, waitMs)).toEqual([]);
  expect(await migrationStatus(database.db, known)).toEqual({
    applied: known.map((migration) => migration.version),
    missing: [],
    newerThanUs: [],
  });
});

it('numbers the migrations without gap or double', () => {
  expect(known.map((migration) => migration.version)).toEqual(known.map((_, index) => index + 1));
});

it('lets one of several that start at once migrate, while the others wait', async () => {
  await using database = await emptyDatabase();
  const runs = await Promise.all([1, 2, 3, 4].map(() => migrate(database.db, known, waitMs)));

  expect(runs.flat().toSorted((a, b) => a.version - b.version)).toEqual(known);
  expect(await migrationStatus(database.db, known)).toMatchObject({ missing: [] });
});

it('waits no longer than it may for another one, and says why', async () => {
  await using database = await emptyDatabase();
  await database.db.transaction(async (other) => {
    await other.query(`select pg_advisory_xact_lock(hashtext('mailctl migrations'))`);

    await expect(migrate(database.db, known, 50)).rejects.toMatchObject({ code: 'locked' });
  });
  expect(await schemaOf(database.db)).toEqual([]);
});

it('refuses a database that a newer mailctl made, and changes nothing', async () => {
  await using database = await testDatabase();
  await migrate(database.db, [...known, next('create table later ()')], waitMs);
  const before = await schemaOf(database.db);

  await expect(migrate(database.db, known, waitMs)).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringContaining(`migration ${latest + 1}`),
    hint: expect.stringContaining('Install the mailctl version that made it'),
  });
  expect(await schemaOf(database.db)).toEqual(before);
});

it('leaves nothing of a migration that fails, keeps those before it, and can go on once it is mended', async () => {
  await using database = await emptyDatabase();
  const broken = next('create table half (); select 1 / 0');

  await expect(migrate(database.db, [...known, broken], waitMs)).rejects.toMatchObject({ code: '22012' });
  expect((await migrationStatus(database.db, [...known, broken])).missing).toEqual([broken]);
  expect((await schemaOf(database.db)).filter((line) => line.includes('half'))).toEqual([]);

  const mended = next('create table half ()');
  expect(await migrate(database.db, [...known, mended], waitMs)).toEqual([mended]);
});

it('leaves nothing of a migration whose connection is lost', async () => {
  await using database = await testDatabase();
  const lost = next('create table half (); select pg_terminate_backend(pg_backend_pid())');

  await expect(migrate(database.db, [...known, lost], waitMs)).rejects.toMatchObject({ code: 'unreachable' });
  expect((await schemaOf(database.db)).filter((line) => line.includes('half'))).toEqual([]);
});

it('may take longer than a statement may at other times', async () => {
  await using database = await emptyDatabase();
  await using hurried = openPostgres({ ...database.address, statementTimeoutMs: 100 });

  expect(await migrate(hurried, [next('select pg_sleep(0.3)')], waitMs)).toHaveLength(1);
});

it('makes the schema that is written down, in one go or one by one', async () => {
  await using atOnce = await testDatabase();
  await using oneByOne = await emptyDatabase();
  for (const [index] of known.entries()) await migrate(oneByOne.db, known.slice(0, index + 1), waitMs);

  const schema = await schemaOf(atOnce.db);
  expect(await schemaOf(oneByOne.db)).toEqual(schema);
  await expect(`${schema.join('\n')}\n`).toMatchFileSnapshot('schema.txt');
});
