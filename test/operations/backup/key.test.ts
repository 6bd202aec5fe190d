import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { temporaryFolder } from '../../cli/folders.ts';
import { envText } from '../../config/valid-sources.ts';
import { runJson } from '../../integration/cli/database-folder.ts';

/** A folder without any key of backups. */
function bareFolder(changes: Readonly<Record<string, string>> = {}) {
  const folder = temporaryFolder();
  writeFileSync(join(folder.path, '.env'), envText(changes), { mode: 0o600 });
  return folder;
}

it('mailctl backup key make writes both keys for their owner alone, and leaves no secret half of the escrow key', async () => {
  using folder = bareFolder();
  using elsewhere = temporaryFolder();
  const out = join(elsewhere.path, 'escrow.key');
  const made = await runJson(folder, 'backup', 'key', 'make', '--out', out);
  const read = (name: string) => readFileSync(join(folder.path, 'secrets', name), 'utf8');

  expect([made.error, made.data.secret]).toEqual([undefined, undefined]);
  expect(read('backup-escrow.pub')).toBe(`${made.data.key.escrow}\n`);
  expect(read('backup-verify.key')).toContain(`# public key: ${made.data.key.verify}\nAGE-SECRET-KEY-`);
  for (const path of [out, join(folder.path, 'secrets/backup-verify.key')])
    expect(statSync(path).mode & 0o777).toBe(0o600);
  const secret = readFileSync(out, 'utf8').match(/^AGE-SECRET-KEY-\S+$/m)?.[0] ?? '';
  expect(read('backup-verify.key')).not.toContain(secret);
  expect(await runJson(folder, 'backup', 'key', 'test', '--identity-file', out)).toMatchObject({
    exit: 0,
    data: { id: null },
  });
  const foreign = join(folder.path, 'secrets/backup-verify.key');
  expect(await runJson(folder, 'backup', 'key', 'test', '--identity-file', foreign)).toMatchObject({
    exit: 12,
  });
});

it('mailctl backup key make replaces no escrow key, which earlier sets need', async () => {
  using folder = bareFolder();
  const { data } = await runJson(folder, 'backup', 'key', 'make');
  expect(data.secret).toMatch(/^AGE-SECRET-KEY-/);
  const again = await runJson(folder, 'backup', 'key', 'make');
  expect(again).toMatchObject({ exit: 21, error: { hint: expect.stringContaining('backup-recipient') } });
  const shown = await runJson(folder, 'backup', 'key', 'show');
  expect(shown.data.key).toMatchObject({
    mode: 'verify-key',
    escrow: data.key.escrow,
    verify: data.key.verify,
  });
});

it('mailctl backup key make makes no verify key in the strict mode', async () => {
  using folder = bareFolder({ BACKUP_VERIFY_KEY: 'none' });
  const { data } = await runJson(folder, 'backup', 'key', 'make');
  expect(data.key.verify).toBeNull();
  expect(() => statSync(join(folder.path, 'secrets/backup-verify.key'))).toThrow('ENOENT');
});
