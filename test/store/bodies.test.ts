import { describe, expect, it } from 'vitest';

import { ensureBodyPartitions } from '../../src/store/bodies.ts';
import { insertSubmissions } from '../../src/store/messages.ts';
import { testDatabase } from '../engines/postgres.ts';
import { newMessage } from './submissions.ts';

async function rowsIn(db: Awaited<ReturnType<typeof testDatabase>>['db'], table: string): Promise<number> {
  const [row] = await db.query<{ count: string }>(`select count(*) from ${table}`);
  return Number(row?.count);
}

describe('partitions of bodies', () => {
  it('are made for today and the days asked for, once', async () => {
    await using database = await testDatabase();
    expect(await ensureBodyPartitions(database.db, 2)).toHaveLength(3);
    expect(await ensureBodyPartitions(database.db, 2)).toEqual([]);
    expect(await ensureBodyPartitions(database.db, 3)).toHaveLength(1);
  });

  it('take the bodies of their day', async () => {
    await using database = await testDatabase();
    const [today = ''] = await ensureBodyPartitions(database.db, 1);
    await insertSubmissions(database.db, [newMessage()]);
    expect(await rowsIn(database.db, `bodies_${today.replaceAll('-', '')}`)).toBe(1);
    expect(await rowsIn(database.db, 'bodies_rest')).toBe(0);
  });

  it('are left out for a day whose bodies already lie in the rest, and the others are made all the same', async () => {
    await using database = await testDatabase();
    await insertSubmissions(database.db, [newMessage()]);
    expect(await ensureBodyPartitions(database.db, 2)).toHaveLength(2);
    expect(await rowsIn(database.db, 'bodies_rest')).toBe(1);
  });

  it('are made by one of two processes that start at once', async () => {
    await using database = await testDatabase();
    const made = await Promise.all([1, 2].map(() => ensureBodyPartitions(database.db, 4)));
    expect(made.flat().toSorted()).toHaveLength(5);
  });

  it('are left for later while a dump reads the table, so that nobody waits behind us', async () => {
    await using database = await testDatabase();
    await database.db.transaction(async (within) => {
      await within.query('lock table bodies in access share mode');
      expect(await ensureBodyPartitions(database.db, 0)).toEqual([]);
    });
    expect(await ensureBodyPartitions(database.db, 0)).toHaveLength(1);
  });

  it('store bodies outside the row without compressing them, as the table does', async () => {
    await using database = await testDatabase();
    const [today = ''] = await ensureBodyPartitions(database.db, 0);
    const rows = await database.db.query(
      `select attstorage from pg_attribute where attrelid = to_regclass($1) and attname = 'raw'`,
      [`bodies_${today.replaceAll('-', '')}`],
    );
    expect(rows).toEqual([{ attstorage: 'e' }]);
  });
});
