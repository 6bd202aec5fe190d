import { beforeEach, afterEach, describe, expect, it } from 'vitest';

import {
  claimSenderDomains,
  keepSenderDomains,
  readSenderDomains,
  wishSenderDomains,
} from '../../src/store/sender-domains.ts';
import { testDatabase } from '../engines/postgres.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
beforeEach(async () => {
  database = await testDatabase();
});
afterEach(() => database[Symbol.asyncDispose]());

const found = (...names: readonly string[]) => ({ names: new Set(names), any: false, senderSuffices: false });

describe('the look at the domains that Postal has verified', () => {
  it('is unknown before the first, is made by one worker, and is due again when somebody wants it', async () => {
    const { db } = database;
    expect(await readSenderDomains(db)).toBeUndefined();
    const claims = await Promise.all([claimSenderDomains(db, 3_600_000), claimSenderDomains(db, 3_600_000)]);
    const [readAt, ...more] = claims.filter((at) => at !== undefined);
    expect(more).toEqual([]);
    if (!readAt) throw new Error('no worker has the look');
    await keepSenderDomains(db, found('b.test', 'a.test'), readAt);
    expect(await readSenderDomains(db)).toMatchObject({ domains: found('a.test', 'b.test'), readAt });

    expect(await claimSenderDomains(db, 3_600_000)).toBeUndefined();
    const wished = await wishSenderDomains(db);
    const next = await claimSenderDomains(db, 3_600_000);
    expect(next?.getTime()).toBeGreaterThanOrEqual(wished.getTime());
  });

  it('that began earlier does not take the place of a later one, but one of a clock that was put back gives way', async () => {
    const { db } = database;
    const [{ now } = { now: new Date(0) }] = await db.query<{ now: Date }>('select now() as now');
    const at = (ms: number) => new Date(now.getTime() + ms);
    await keepSenderDomains(db, found('new.test'), now);
    await keepSenderDomains(db, found('old.test'), at(-1_000));
    expect(await readSenderDomains(db)).toMatchObject({ domains: found('new.test') });

    await keepSenderDomains(db, found('ahead.test'), at(3_600_000));
    expect(await readSenderDomains(db)).toMatchObject({ domains: found('ahead.test'), ageMs: 0 });
    await keepSenderDomains(db, found('after.test'), now);
    expect(await readSenderDomains(db)).toMatchObject({ domains: found('after.test') });
  });
});
