import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { askSenders } from '../../../src/operations/status/senders.ts';
import type { Runtime } from '../../../src/runtime.ts';
import { keepSenderDomains } from '../../../src/store/sender-domains.ts';
import { type TestDatabase, testDatabase } from '../../engines/postgres.ts';

const hourMs = 3_600_000;

let database: TestDatabase;
beforeEach(async () => {
  database = await testDatabase();
});
afterEach(() => database[Symbol.asyncDispose]());

/** A platform with or without access to Postal's database. */
function platform(access: 'access' | 'none'): Runtime {
  return {
    config: async () => ({ POSTAL_DOMAINS_STALE_TTL: hourMs }),
    postgres: async () => database.db,
    postalDatabase: async () => (access === 'access' ? {} : undefined),
  } as unknown as Runtime;
}

async function seen(agoMs: number): Promise<void> {
  const domains = { names: new Set(['a.example', 'b.example']), any: false, senderSuffices: false };
  await keepSenderDomains(database.db, domains, new Date(Date.now() - agoMs));
}

const warning = expect.stringContaining('senders are not checked');

describe('status', () => {
  it('says that senders are not checked, and does not warn where nobody can look', async () => {
    const senders = { checked: false, domains: 0, seen_at: null };
    expect(await askSenders(platform('none'))).toEqual({ senders, warnings: [] });
  });

  it('warns where nobody looked although there is access', async () => {
    expect(await askSenders(platform('access'))).toMatchObject({
      senders: { checked: false },
      warnings: [warning],
    });
  });

  it('tells on how many domains senders are checked', async () => {
    await seen(1000);
    const { senders, warnings } = await askSenders(platform('access'));
    expect({ ...senders, warnings }).toMatchObject({ checked: true, domains: 2, warnings: [] });
  });

  it('warns when the last look is too old', async () => {
    await seen(2 * hourMs);
    const { senders, warnings } = await askSenders(platform('access'));
    expect({ ...senders, warnings }).toMatchObject({ checked: false, domains: 2, warnings: [warning] });
  });
});
