import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Suppression } from '../../src/domain/suppression.ts';
import {
  addSuppressions,
  forgetExpiredSuppressions,
  listSuppressions,
  removeSuppression,
  suppressFound,
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

describe('what the platform finds out by itself', () => {
  const at = (days: number) => new Date(Date.now() + days * 86_400_000);
  const stored = async (address: string) =>
    (await listSuppressions(database.db, { ...everything, address })).map(({ reason, expiresAt }) => ({
      reason,
      lasts:
        expiresAt === undefined ? 'for good' : Math.round((expiresAt.getTime() - Date.now()) / 86_400_000),
    }));

  it.each([
    ['a manual one', { reason: 'manual' }, { reason: 'bounce' }, { reason: 'manual', lasts: 'for good' }],
    ['a manual one with an end', { reason: 'manual', expiresAt: at(2) }, {}, { reason: 'manual', lasts: 2 }],
    [
      'a complaint',
      { reason: 'complaint' },
      { reason: 'bounce', expiresAt: at(1) },
      { reason: 'complaint', lasts: 'for good' },
    ],
    ['a bounce for good', {}, { expiresAt: at(1) }, { reason: 'bounce', lasts: 'for good' }],
    ['a longer bounce', { expiresAt: at(9) }, { expiresAt: at(1) }, { reason: 'bounce', lasts: 9 }],
  ] as const)('leaves %s as it is', async (name, before, found, after) => {
    const address = `${name.replaceAll(' ', '-')}@kept.test`;
    await addSuppressions(database.db, [suppression(address, before)]);
    await suppressFound(database.db, [suppression(address, found)]);
    expect(await stored(address)).toEqual([after]);
  });

  it.each([
    ['a bounce, by a complaint', {}, { reason: 'complaint' }, { reason: 'complaint', lasts: 'for good' }],
    [
      'a manual one with an end, by a complaint',
      { reason: 'manual', expiresAt: at(2) },
      { reason: 'complaint' },
      { reason: 'complaint', lasts: 'for good' },
    ],
    ['a shorter bounce', { expiresAt: at(1) }, { expiresAt: at(9) }, { reason: 'bounce', lasts: 9 }],
    [
      'a bounce with an end, by one for good',
      { expiresAt: at(1) },
      {},
      { reason: 'bounce', lasts: 'for good' },
    ],
    [
      'one that has expired',
      { reason: 'manual', expiresAt: past },
      {},
      { reason: 'bounce', lasts: 'for good' },
    ],
  ] as const)('takes the place of %s', async (name, before, found, after) => {
    const address = `${name.replaceAll(/[ ,]+/g, '-')}@replaced.test`;
    await addSuppressions(database.db, [suppression(address, before)]);
    await suppressFound(database.db, [suppression(address, found)]);
    expect(await stored(address)).toEqual([after]);
  });
});

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
