import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Suppression } from '../../src/domain/suppression.ts';
import {
  addSuppressions,
  forgetExpiredSuppressions,
  listSuppressions,
  removeSuppression,
  suppressionsOf,
} from '../../src/store/suppressions.ts';
import { type TestDatabase, testDatabase } from '../engines/postgres.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

function suppression(address: string, changes: Partial<Suppression> = {}): Suppression {
  return {
    address,
    scope: '',
    reason: 'bounce',
    evidence: '550 no such user',
    expiresAt: undefined,
    ...changes,
  };
}

const everything = { address: undefined, reason: undefined, after: undefined, limit: 100 };
const past = new Date('2020-01-01T00:00:00Z');

describe('the suppression list', () => {
  it('keeps mail from an address however it is written', async () => {
    expect(await addSuppressions(database.db, [suppression('Ann@Example.com')])).toBe(1);
    const recipients = ['ann@example.com', 'bob@example.com', 'ANN@EXAMPLE.COM'];
    const found = await suppressionsOf(
      database.db,
      recipients.map((address) => ({ address, tag: undefined })),
    );
    expect(found.map((one) => one?.reason)).toEqual(['bounce', undefined, 'bounce']);
  });

  it('keeps back only the mail with its tag where it has a scope', async () => {
    await addSuppressions(database.db, [
      suppression('eve@example.com', { scope: 'news', reason: 'unsubscribe' }),
    ]);
    const tags = ['news', 'receipt', undefined];
    const found = await suppressionsOf(
      database.db,
      tags.map((tag) => ({ address: 'eve@example.com', tag })),
    );
    expect(found.map((one) => one?.reason)).toEqual(['unsubscribe', undefined, undefined]);
  });

  it('renews what is there instead of adding it twice', async () => {
    await addSuppressions(database.db, [suppression('dan@example.com')]);
    const again = [
      suppression('dan@example.com', { reason: 'manual' }),
      suppression('dan@example.com', { reason: 'complaint' }),
    ];
    expect(await addSuppressions(database.db, again)).toBe(0);
    const found = await listSuppressions(database.db, { ...everything, address: 'DAN@example.com' });
    expect(found).toMatchObject([{ reason: 'complaint' }]);
  });

  it('ends by itself', async () => {
    await addSuppressions(database.db, [suppression('old@example.com', { expiresAt: past })]);
    expect(await listSuppressions(database.db, { ...everything, address: 'old@example.com' })).toEqual([]);
    expect(await suppressionsOf(database.db, [{ address: 'old@example.com', tag: undefined }])).toEqual([
      undefined,
    ]);
    expect(await forgetExpiredSuppressions(database.db)).toBe(1);
  });

  it('gives an address free, once', async () => {
    await addSuppressions(database.db, [suppression('free@example.com')]);
    expect(await removeSuppression(database.db, 'Free@example.com', 'news')).toBe(false);
    expect(await removeSuppression(database.db, 'Free@example.com', '')).toBe(true);
    expect(await removeSuppression(database.db, 'Free@example.com', '')).toBe(false);
  });

  it('is listed page by page', async () => {
    const scopes = ['', 'a', 'b'];
    await addSuppressions(
      database.db,
      scopes.map((scope) => suppression('zoe@example.com', { scope })),
    );
    const only = { ...everything, address: 'zoe@example.com', limit: 2 };
    const first = await listSuppressions(database.db, only);
    const rest = await listSuppressions(database.db, { ...only, after: first.at(-1) });
    expect([...first, ...rest].map(({ scope }) => scope)).toEqual(scopes);
  });
});
