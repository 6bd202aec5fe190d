import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { systemRandom } from '../../src/adapters/random.ts';
import { newId } from '../../src/domain/id.ts';
import {
  expireApiKey,
  findApiKey,
  insertApiKey,
  listApiKeys,
  type NewApiKey,
  recordKeyUse,
  revokeApiKey,
} from '../../src/store/api-keys.ts';
import { type TestDatabase, testDatabase } from '../engines/postgres.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

const noon = new Date('2026-03-01T12:00:00Z');
const evening = new Date('2026-03-01T20:00:00Z');

async function added(expiresAt?: Date): Promise<NewApiKey> {
  const id = newId('mk', noon, systemRandom.bytes(10));
  const key: NewApiKey = {
    id,
    name: 'ams',
    digest: Buffer.from('digest'),
    scopes: ['send', 'read'],
    expiresAt,
  };
  await insertApiKey(database.db, key);
  return key;
}

describe('API keys', () => {
  it('are found by their id and listed', async () => {
    const key = await added(evening);
    expect(await findApiKey(database.db, key.id)).toMatchObject({ ...key, revokedAt: undefined });
    expect((await listApiKeys(database.db)).map(({ id }) => id)).toContain(key.id);
    expect(await findApiKey(database.db, newId('mk', noon, systemRandom.bytes(10)))).toBeUndefined();
  });

  it('can end earlier but never later than they were to', async () => {
    const { id } = await added();
    expect(await expireApiKey(database.db, id, noon)).toBe(true);
    await expireApiKey(database.db, id, evening);
    expect((await findApiKey(database.db, id))?.expiresAt).toEqual(noon);
  });

  it('are revoked once', async () => {
    const { id } = await added();
    expect(await revokeApiKey(database.db, id, noon)).toBe(true);
    expect(await revokeApiKey(database.db, id, evening)).toBe(false);
    expect((await findApiKey(database.db, id))?.revokedAt).toEqual(noon);
  });

  it('remember their latest use', async () => {
    const { id } = await added();
    await recordKeyUse(database.db, new Map([[id, evening]]));
    await recordKeyUse(database.db, new Map([[id, noon]]));
    await recordKeyUse(database.db, new Map());
    expect((await findApiKey(database.db, id))?.lastUsedAt).toEqual(evening);
  });
});
