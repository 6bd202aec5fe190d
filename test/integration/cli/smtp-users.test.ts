import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { passwordMatches } from '../../../src/domain/password.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { keepSenderDomains } from '../../../src/store/sender-domains.ts';
import { findSmtpCredential } from '../../../src/store/smtp-credentials.ts';
import { type TestDatabase, testDatabase } from '../../engines/postgres.ts';
import { runInProcess } from '../../fakes/terminal.ts';
import { submit } from '../../store/submit.ts';
import { folderFor, runJson } from './database-folder.ts';

let database: TestDatabase;
let folder: ReturnType<typeof folderFor>;

beforeEach(async () => {
  database = await testDatabase();
  folder = folderFor(database);
});

afterEach(async () => {
  folder[Symbol.dispose]();
  await database[Symbol.asyncDispose]();
});

function users(...words: readonly string[]) {
  return runInProcess(['-C', folder.path, 'smtp-users', ...words]);
}

function asJson(...words: readonly string[]) {
  return runJson(folder, 'smtp-users', ...words);
}

async function storedUser(name = 'ams') {
  return findSmtpCredential(database.db, name);
}

async function states(id: string): Promise<readonly string[]> {
  const rows = await database.db.query<{ state: string }>(
    'select state from recipients where message_id = $1 order by position',
    [id],
  );
  return rows.map(({ state }) => state);
}

const bounds = ['--domain', 'Acme.test', '--domain', 'news.acme.test', '--network', '192.0.2.0/24'];
const limits = ['--rate', '100/h', '--daily-limit', '5000'];

describe('mailctl smtp-users create', () => {
  it('shows a password once that fits what is stored, and a line to try it that does not hold it', async () => {
    const { exit, data } = await asJson('create', 'ams', ...bounds, ...limits);
    expect(exit).toBe(0);
    expect(data.user).toMatchObject({
      username: 'ams',
      state: 'active',
      domains: ['acme.test', 'news.acme.test'],
      networks: ['192.0.2.0/24'],
      rate: '100/1h',
      daily_limit: 5000,
    });
    const stored = await storedUser();
    expect(await passwordMatches(new Secret(data.password), stored?.passwordHash ?? '')).toBe(true);
    expect(JSON.stringify([data.user, data.plan, data.try])).not.toContain(data.password);
    expect(data.try).toBe(
      'swaks --server smtp.example.com --port 587 --tls --auth PLAIN --auth-user ams --from postmaster@acme.test --to ops@example.com',
    );
    expect(JSON.stringify((await asJson('list')).data)).not.toContain(data.password);
  });

  it('shows a person the password and the line on stdout, and the steps on stderr without it', async () => {
    const { out, err } = await users('create', 'ams');
    const [, password = ''] = /PASSWORD=(\S{43})\n/.exec(out) ?? [];
    expect(out).toMatch(/\n {2}swaks --server /);
    expect(password).not.toBe('');
    expect(err).not.toContain(password);
  });

  it('warns of a domain that Postal has not verified, there and when it is changed to one', async () => {
    const names = new Set(['acme.test']);
    await keepSenderDomains(database.db, { names, any: false, senderSuffices: false }, new Date());
    const warning = 'Postal has not verified other.test: mail from it is refused until it has';

    expect(await asJson('create', 'ams', '--domain', 'acme.test', '--domain', 'Other.test')).toMatchObject({
      exit: 0,
      warnings: [warning],
    });
    expect(await asJson('set', 'ams', '--domain', 'other.test')).toMatchObject({ warnings: [warning] });
    expect(await asJson('set', 'ams', '--domain', 'any')).toMatchObject({ warnings: [] });
  });

  it('makes nothing on a dry run', async () => {
    const { data } = await asJson('create', 'ams', '--dry-run');
    expect(data).toMatchObject({ applied: false, user: null });
    expect(data).not.toHaveProperty('password');
    expect(await storedUser()).toBeUndefined();
  });

  it('refuses a name that is taken, and leaves its password as it was', async () => {
    await asJson('create', 'ams');
    const before = await storedUser();
    expect(await asJson('create', 'ams')).toMatchObject({
      exit: 2,
      error: { code: 'usage', field: 'USERNAME' },
    });
    expect(await storedUser()).toEqual(before);
  });

  it.each([
    [['create', 'a b'], 'USERNAME'],
    [['create', 'a\n'], 'USERNAME'],
    [['create', 'ams', '--domain', 'localhost'], '--domain'],
    [['create', 'ams', '--domain', 'any', '--domain', 'acme.test'], '--domain'],
    [['create', 'ams', '--network', '192.0.2.0/33'], '--network'],
    [['create', 'ams', '--network', 'everywhere'], '--network'],
    [['create', 'ams', '--rate', 'fast'], '--rate'],
    [['create', 'ams', '--daily-limit', '0'], '--daily-limit'],
    [['set', 'ams'], 'flags'],
    [['set', 'nobody', '--rate', 'none'], 'USERNAME'],
    [['disable', 'nobody'], 'USERNAME'],
    [['enable', 'nobody'], 'USERNAME'],
    [['remove', 'nobody', '--yes'], 'USERNAME'],
  ])('refuses %j and names %s', async (words, field) => {
    expect(await asJson(...words)).toMatchObject({ exit: 2, error: { code: 'usage', field } });
    expect((await asJson('list')).data).toEqual({ users: [] });
  });
});

describe('mailctl smtp-users set', () => {
  it('changes what is named and leaves the rest, and lifts a bound by any or none', async () => {
    await asJson('create', 'ams', ...bounds, ...limits);
    const { data } = await asJson('set', 'ams', '--network', '198.51.100.7', '--rate', 'none');
    expect(data.user).toMatchObject({ networks: ['198.51.100.7'], rate: null, daily_limit: 5000 });
    expect((await asJson('set', 'ams', '--domain', 'any', '--daily-limit', 'none')).data.user).toMatchObject({
      domains: [],
      networks: ['198.51.100.7'],
      daily_limit: null,
    });
    expect((await asJson('list')).data.users).toEqual([
      expect.objectContaining({ domains: [], networks: ['198.51.100.7'], rate: null, daily_limit: null }),
    ]);
  });

  it('changes nothing on a dry run', async () => {
    await asJson('create', 'ams', ...limits);
    const { data } = await asJson('set', 'ams', '--rate', '1/s', '--dry-run');
    expect(data.user.rate).toBe('100/1h');
    expect((await storedUser())?.rate).toEqual({ messages: 100, periodMs: 3_600_000 });
  });
});

describe('mailctl smtp-users disable', () => {
  it('disables and enables again, each also when it is so already', async () => {
    await asJson('create', 'ams');
    expect((await asJson('disable', 'ams')).data.user.state).toBe('disabled');
    const since = (await storedUser())?.disabledAt;
    expect(since).toBeInstanceOf(Date);
    expect((await asJson('disable', 'ams')).data.plan.steps).toEqual([]);
    expect((await storedUser())?.disabledAt).toEqual(since);
    expect((await asJson('enable', 'ams')).data.user.state).toBe('active');
    expect((await asJson('enable', 'ams')).exit).toBe(0);
    expect((await storedUser())?.disabledAt).toBeUndefined();
  });

  it('leaves what is queued alone, and holds it only where that is asked', async () => {
    await asJson('create', 'ams');
    const credentialId = (await storedUser())?.id ?? '';
    const mine = await submit(database.db, { credentialId, to: ['ann@example.test', 'bob@example.test'] });
    const other = await submit(database.db, { credentialId: 'usr_other' });

    expect((await asJson('disable', 'ams')).data).not.toHaveProperty('held');
    expect(await states(mine)).toEqual(['queued', 'queued']);
    expect((await asJson('disable', 'ams', '--hold-queued', '--dry-run')).data.held).toBe(0);
    expect(await states(mine)).toEqual(['queued', 'queued']);
    expect((await asJson('disable', 'ams', '--hold-queued')).data.held).toBe(2);
    expect(await states(mine)).toEqual(['held', 'held']);
    expect(await states(other)).toEqual(['queued']);
    expect((await asJson('disable', 'ams', '--hold-queued')).data).toMatchObject({
      held: 0,
      user: { holds_mail: true },
    });
    expect((await asJson('disable', 'ams')).data.user.holds_mail).toBe(true);
    expect((await asJson('enable', 'ams')).data.user.holds_mail).toBe(false);
  });
});

describe('mailctl smtp-users remove', () => {
  it('asks first, and where nobody can be asked removes only with --yes', async () => {
    await asJson('create', 'ams');
    expect(await asJson('remove', 'ams')).toMatchObject({ exit: 21, error: { code: 'refused' } });
    expect(await storedUser()).toBeDefined();
    expect((await asJson('remove', 'ams', '--yes')).data).toMatchObject({
      applied: true,
      user: { username: 'ams' },
    });
    expect(await storedUser()).toBeUndefined();
  });
});

it('lists nobody with the command that makes somebody', async () => {
  expect((await users('list')).out).toBe('nobody may submit yet: mailctl smtp-users create NAME\n');
});
