import { describe, expect, it } from 'vitest';

import { readApiKey } from '../../../src/domain/api-key.ts';
import { findApiKey } from '../../../src/store/api-keys.ts';
import { testDatabase } from '../../engines/postgres.ts';
import { runInProcess } from '../../fakes/terminal.ts';
import { folderFor, runJson } from './database-folder.ts';

describe('mailctl keys', () => {
  it('shows a new key once, and stores only what recognises it', async () => {
    await using database = await testDatabase();
    using folder = folderFor(database);

    const { data } = await runJson(folder, 'keys', 'create', '--name', 'shop', '--expires', '90d');
    const presented = readApiKey(data.secret);
    if (presented.kind !== 'key') throw new Error('the key that was shown is none');

    const stored = await findApiKey(database.db, presented.id);
    const { data: listed } = await runJson(folder, 'keys', 'list', '--kind', 'api');

    expect(stored?.digest).toEqual(Buffer.from(presented.digest));
    expect(listed.keys).toMatchObject([
      { id: presented.id, kind: 'api', name: 'shop', scopes: ['send', 'read'], state: 'active' },
    ]);
    expect(JSON.stringify(listed)).not.toContain(data.secret);
  });

  it('makes nothing on a dry run, and shows no key', async () => {
    await using database = await testDatabase();
    using folder = folderFor(database);

    const { data } = await runJson(folder, 'keys', 'create', '--name', 'shop', '--dry-run');

    expect(data).toMatchObject({ applied: false, key: { name: 'shop' } });
    expect(data).not.toHaveProperty('secret');
    expect((await runJson(folder, 'keys', 'list', '--kind', 'api')).data.keys).toEqual([]);
  });

  it('bounds a key by networks and a rate, and shows them', async () => {
    await using database = await testDatabase();
    using folder = folderFor(database);
    const bounds = ['--network', '192.0.2.0/24', '2001:DB8::/32', '--rate', '100/m'];

    const { data } = await runJson(folder, 'keys', 'create', '--name', 'shop', ...bounds);
    expect(data.key).toMatchObject({ networks: ['192.0.2.0/24', '2001:db8::/32'], rate: '100/1m' });
    expect(data.plan.steps[0].what).toContain('from 192.0.2.0/24, 2001:db8::/32 at 100/1m');

    const [listed] = (await runJson(folder, 'keys', 'list', '--kind', 'api')).data.keys;
    expect(listed).toMatchObject({ networks: ['192.0.2.0/24', '2001:db8::/32'], rate: '100/1m' });
    expect((await runJson(folder, 'keys', 'show', listed.id)).data.keys).toEqual([listed]);
    const { out } = await runInProcess(['-C', folder.path, 'keys', 'list']);
    expect(out).toContain('from 192.0.2.0/24,2001:db8::/32  at 100/1m');
  });

  it('revokes a key once it is agreed to, and says so when it was revoked before', async () => {
    await using database = await testDatabase();
    using folder = folderFor(database);
    await runJson(folder, 'keys', 'create', '--name', 'shop');
    const [{ id }] = (await runJson(folder, 'keys', 'list', '--kind', 'api')).data.keys;

    const unasked = await runJson(folder, 'keys', 'revoke', id);
    expect(unasked).toMatchObject({ exit: 21, data: { applied: false } });
    expect((await runJson(folder, 'keys', 'show', id)).data.keys).toMatchObject([{ state: 'active' }]);

    const agreed = await runJson(folder, 'keys', 'revoke', id, '--yes');
    expect(agreed).toMatchObject({ exit: 0, data: { applied: true, key: { state: 'revoked' } } });
    expect((await runJson(folder, 'keys', 'show', id)).data.keys).toMatchObject([{ state: 'revoked' }]);
    expect((await runJson(folder, 'keys', 'revoke', id)).data.plan.steps).toEqual([]);
  });

  it.each([
    [['keys', 'show', 'mk_nope'], 'id'],
    [['keys', 'revoke', 'mk_00000000000000000000000000', '--yes'], 'id'],
    [['keys', 'create', '--name', 'x', '--scope', 'everything'], '--scope'],
    [['keys', 'create', '--name', 'x', '--expires', 'tomorrow'], '--expires'],
    [['keys', 'create', '--name', 'x', '--network', '10.0.0.0/33'], '--network'],
    [['keys', 'create', '--name', 'x', '--network', 'everywhere'], '--network'],
    [['keys', 'create', '--name', 'x', '--rate', '0/1m'], '--rate'],
    [['keys', 'create', '--name', 'x', '--rate', 'none'], '--rate'],
  ])('refuses %j by name', async (words, field) => {
    await using database = await testDatabase();
    using folder = folderFor(database);

    expect(await runJson(folder, ...words)).toMatchObject({ exit: 2, error: { code: 'usage', field } });
    expect((await runJson(folder, 'keys', 'list', '--kind', 'api')).data.keys).toEqual([]);
  });

  it('says to a person how the new key is used', async () => {
    await using database = await testDatabase();
    using folder = folderFor(database);

    const { out } = await runInProcess([
      '-C',
      folder.path,
      'keys',
      'create',
      '--name',
      'shop',
      '--expires',
      'never',
    ]);

    expect(out).toMatch(/shop may send and read until it is revoked\n {2}KEY=mk_\w+\n/);
    expect(out).toContain('curl https://api.example.com/v1/');
  });
});
