import { expect, it } from 'vitest';

import { migrate, migrations, migrationStatus } from '../../src/store/migrate.ts';
import { emptyDatabase, testDatabase } from '../engines/postgres.ts';

it('applies every migration to an empty database, once', async () => {
  await using database = await emptyDatabase();
  const known = await migrations();

  expect(await migrate(database.db, known, 5_000)).toEqual(known);
  expect(await migrate(database.db, known, 5_000)).toEqual([]);
  expect((await migrationStatus(database.db, known)).missing).toEqual([]);
});

it('gives each test a migrated database of its own', async () => {
  await using database = await testDatabase();

  expect(await database.db.query('select * from messages')).toEqual([]);
});
