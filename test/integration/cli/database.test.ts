import { describe, expect, it } from 'vitest';

import { migrations } from '../../../src/store/migrate.ts';
import { emptyDatabase } from '../../engines/postgres.ts';
import { runInProcess } from '../../fakes/terminal.ts';
import { folderFor, runJson } from './database-folder.ts';

const every = (await migrations()).map(({ version }) => version);

const db = (folder: { readonly path: string }, ...words: readonly string[]) =>
  runJson(folder, 'db', ...words);

describe('mailctl db', () => {
  it('shows what the database lacks, brings it, and then lacks nothing', async () => {
    await using database = await emptyDatabase();
    using folder = folderFor(database);

    expect((await db(folder, 'status')).data).toMatchObject({ applied: [], newer: [] });
    expect((await db(folder, 'migrate', '--dry-run')).data).toMatchObject({
      applied: false,
      applied_migrations: [],
    });
    expect((await db(folder, 'status')).data.applied).toEqual([]);
    expect((await db(folder, 'migrate')).data).toMatchObject({ applied: true, applied_migrations: every });
    expect((await db(folder, 'status')).data).toEqual({ applied: every, missing: [], newer: [] });
    expect((await db(folder, 'migrate')).data.plan).toEqual({
      title: 'The database is up to date',
      steps: [],
    });
  });

  it('is right when several run at once: each migration is applied by one of them', async () => {
    await using database = await emptyDatabase();
    using folder = folderFor(database);
    const runs = await Promise.all([1, 2, 3, 4].map(() => db(folder, 'migrate')));

    expect(runs.map(({ exit }) => exit)).toEqual([0, 0, 0, 0]);
    expect(runs.flatMap(({ data }) => data.applied_migrations).toSorted((one, other) => one - other)).toEqual(
      every,
    );
  });

  it('refuses a database that a newer mailctl made', async () => {
    await using database = await emptyDatabase();
    using folder = folderFor(database);
    await db(folder, 'migrate');
    await database.db.query(`insert into migrations (version, name) values (9999, 'future')`);

    expect(await db(folder, 'migrate')).toMatchObject({ exit: 21, error: { code: 'refused' } });
    expect((await db(folder, 'status')).data.newer).toEqual([9999]);
  });

  it('names the variable when nobody listens there', async () => {
    await using database = await emptyDatabase();
    using folder = folderFor({ ...database, address: { ...database.address, host: '127.0.0.1', port: 1 } });
    const { exit, error } = await db(folder, 'status');
    expect({ exit, field: error.field }).toEqual({ exit: 13, field: 'POSTGRES_HOST' });
  });

  it('says what is wrong and why, on stderr, to a person', async () => {
    await using database = await emptyDatabase();
    using folder = folderFor({ ...database, address: { ...database.address, host: '127.0.0.1', port: 1 } });
    const { out, err } = await runInProcess(['-C', folder.path, 'db', 'status']);
    expect(out).toBe('');
    expect(err).toMatch(
      /^✘ PostgreSQL at 127\.0\.0\.1:1\/\w+ cannot be reached\n {2}because: .*\n {2}Check that it runs/,
    );
  });
});
