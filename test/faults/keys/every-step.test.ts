import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { systemClock } from '../../../src/adapters/clock.ts';
import { silentLog } from '../../../src/adapters/log.ts';
import { type MariadbAddress, mariadbAt } from '../../../src/adapters/mariadb.ts';
import { readApiKey } from '../../../src/domain/api-key.ts';
import { type KeyKind, keyKindNames } from '../../../src/domain/key.ts';
import { publicHalf } from '../../../src/domain/postal-webhook.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { openRuntime } from '../../../src/runtime.ts';
import { checkPassword } from '../../../src/services/api/smtp-auth.ts';
import { findApiKey } from '../../../src/store/api-keys.ts';
import { livingKeys } from '../../../src/store/keys.ts';
import { temporaryFolder } from '../../cli/folders.ts';
import { goodSecret } from '../../config/valid-sources.ts';
import { privateRedis } from '../../engines/private-redis.ts';
import { logsIn, redisPassword, uid } from '../../integration/cli/rotating-platform.ts';
import { runbook, shellIn } from '../runbooks.ts';
import { killedAfter, mailctl } from './killed-mailctl.ts';
import { letsIn, passedOver } from './mariadb-logins.ts';
import { type WholePlatform, wholePlatform } from './whole-platform.ts';

let redis: Awaited<ReturnType<typeof privateRedis>>;
beforeAll(async () => {
  redis = await privateRedis(redisPassword);
});
afterAll(async () => redis[Symbol.asyncDispose]());

/** A kind of key; of the two that backups are sealed to, `backup-recipient` is the one of this host. */
type Rotated = KeyKind | 'backup-escrow';

/** What is right after a whole rotation, and that the old secret is dead. */
const proofs: Readonly<Record<Rotated, (on: WholePlatform) => Promise<void>>> = {
  api: async ({ db, old }) => {
    const presented = readApiKey(old.api.reveal());
    if (presented.kind !== 'key') throw new Error('no key');
    expect((await findApiKey(db, presented.id))?.revokedAt).toBeInstanceOf(Date);
  },
  smtp: async ({ db, old }) => {
    const world = { db, clock: systemClock, log: silentLog, config: { DAILY_LIMIT: undefined } };
    expect(await checkPassword(world, 'ams', old.smtp ?? new Secret(''))).toEqual({ outcome: 'refused' });
  },
  'webhook-secret': async ({ db }) => {
    const rows = await db.query('select 1 from webhook_endpoints where sealed_previous_secret is not null');
    expect(rows).toEqual([]);
  },
  relay: async ({ env }) => {
    const values = await env();
    expect(values.get('API_INTERNAL_TOKEN')?.text).not.toBe(goodSecret);
    expect(values.get('API_INTERNAL_TOKEN_ALSO')?.text).toBe('');
  },
  postgres: async ({ env, address, owner, db }) => {
    const values = await env();
    const user = values.get('POSTGRES_USER')?.text ?? '';
    const password = new Secret(values.get('POSTGRES_PASSWORD')?.text ?? '');
    expect(user).toBe(`${owner}_a`);
    expect(await logsIn({ ...address, user, password })).toBe(true);
    const [row] = await db.query('select rolpassword as password from pg_authid where rolname = $1', [owner]);
    expect(row).toEqual({ password: null });
  },
  redis: async ({ folder }) => {
    await using runtime = openRuntime({ dir: folder.path, environment: {}, uid });
    const client = await runtime.redis();
    expect(await client?.call('PING')).toBe('PONG');
    expect(await client?.renew(new Secret(redisPassword))).toBe(false);
    await client?.call('ACL', 'SETUSER', 'default', `>${redisPassword}`);
  },
  mariadb: async ({ env, stores }) => {
    const values = await env();
    const user = values.get('POSTAL_DB_USER')?.text ?? '';
    const password = new Secret(values.get('POSTAL_DB_PASSWORD')?.text ?? '');
    const counting = (login: { readonly user: string; readonly password: Secret }) =>
      mariadbAt({ ...stores.reader, ...login }).session((session) =>
        session.query(`select count(*) as queued from \`${stores.names.main}\`.queued_messages`),
      );
    expect(user).toBe(`${stores.reader.user}_a`);
    expect(await counting({ user, password })).toEqual([{ queued: 0 }]);
    await expect(counting(stores.reader)).rejects.toMatchObject({ code: 'access-denied' });
  },
  'mariadb-postal': async (on) => {
    const { names, messages } = on.stores;
    await expectOtherLogin(on, on.logins.postal, 'MARIADB_POSTAL');
    const rights = await rightsOf(on, `${on.logins.postal.user}_a`);
    for (const database of [names.main, messages])
      expect(rights).toContain(`GRANT ALL PRIVILEGES ON \`${database}\`.* TO`);
    expect(await readdir(on.folder.path)).toContain('restarted');
  },
  'mariadb-backup': async (on) => {
    await expectOtherLogin(on, on.logins.backup, 'BACKUP_MARIADB');
    expect(await rightsOf(on, `${on.logins.backup.user}_a`)).toContain('GRANT RELOAD ON *.* TO');
  },
  'mariadb-root': async ({ env, stores, logins: { administrator } }) => {
    const password = new Secret((await env()).get('MARIADB_ROOT_PASSWORD')?.text ?? '');
    expect(await letsIn({ ...administrator, password })).toBe(true);
    expect(await letsIn(administrator)).toBe(false);
    const { user } = administrator;
    const rows = await stores.run(
      'select host, priv from mysql.global_priv where user = ? and host <> ? order by host',
      [user, passedOver],
    );
    expect(
      rows.map(({ host, priv }) => [host, JSON.stringify(priv).split('authentication_string').length - 1]),
    ).toEqual([
      ['%', 1],
      ['localhost', 1],
    ]);
    expect(JSON.stringify(rows)).toContain('unix_socket');
  },
  'postal-api': async ({ env, registry }) => {
    const key = (await env()).get('POSTAL_API_KEY')?.text;
    expect(registry.credentials.filter(({ type }) => type === 'API')).toMatchObject([
      { name: 'mailctl', key },
    ]);
    expect(key).not.toBe('a'.repeat(24));
  },
  'postal-smtp': async ({ env, registry, folder }) => {
    const key = (await env()).get('POSTAL_SMTP_CREDENTIAL')?.text;
    expect(registry.credentials.filter(({ type }) => type === 'SMTP')).toMatchObject([
      { name: 'mailctl', key },
    ]);
    expect(key).not.toBe('s'.repeat(24));
    expect(await readdir(folder.path)).toContain('restarted');
  },
  'postal-webhook-token': async ({ env, registry }) => {
    const values = await env();
    const token = values.get('POSTAL_WEBHOOK_TOKEN')?.text;
    expect(token).not.toBe(goodSecret);
    expect(values.get('POSTAL_WEBHOOK_TOKEN_ALSO')?.text).toBe('');
    expect(registry.webhooks).toMatchObject([{ url: `http://api:8080/webhooks/postal/${token}` }]);
    expect(registry.endpoints).toMatchObject([{ url: `http://api:8080/webhooks/postal/${token}/inbound` }]);
  },
  'postal-signing': async ({ env, folder, signing }) => {
    const read = (name: string) => readFile(join(folder.path, 'secrets', name), 'utf8');
    const { kid, pem } = publicHalf(new Secret(await read('postal-signing.key')));
    expect(kid).not.toBe(publicHalf(signing).kid);
    expect(await read('postal-signing.pub')).toBe(pem);
    expect((await env()).get('POSTAL_WEBHOOK_PUBLIC_KEY_ALSO')?.text).toBe('');
    expect(await readdir(join(folder.path, 'secrets'))).not.toContain('postal-signing.key.before-rotation');
    expect(await readdir(folder.path)).toContain('restarted');
  },
  'backup-recipient': async ({ folder, age }) => {
    const file = await readFile(join(folder.path, 'secrets/backup-verify.key'), 'utf8');
    expect(file.match(/^AGE-SECRET-KEY-.*$/gm)).toHaveLength(1);
    expect(file).not.toContain(age.verify.identity.reveal());
  },
  'backup-escrow': async ({ folder, age }) => {
    const path = join(folder.path, 'secrets/backup-escrow.pub');
    expect(await readFile(path, 'utf8')).toBe(`${age.nextEscrow.recipient}\n`);
  },
};

/** The other of the two that take turns is in use, and the one before is gone. */
async function expectOtherLogin(
  { env, stores }: WholePlatform,
  old: MariadbAddress,
  variables: 'MARIADB_POSTAL' | 'BACKUP_MARIADB',
): Promise<void> {
  const values = await env();
  const password = new Secret(values.get(`${variables}_PASSWORD`)?.text ?? '');
  expect(values.get(`${variables}_USER`)?.text).toBe(`${old.user}_a`);
  expect(await letsIn({ ...old, user: `${old.user}_a`, password })).toBe(true);
  expect(await letsIn(old)).toBe(false);
  expect(await stores.run('select 1 from mysql.user where user = ?', [old.user])).toEqual([]);
}

async function rightsOf({ stores }: WholePlatform, user: string): Promise<string> {
  const rows = await stores.run(`show grants for ${user}@localhost`);
  return rows.flatMap((row) => Object.values(row)).join('\n');
}

/** What a rotation of this key is called on the command line. */
function wordsFor({ age }: WholePlatform, what: Rotated): readonly string[] {
  if (what === 'backup-escrow') return [what, '--recipient', age.nextEscrow.recipient];
  return what === 'backup-recipient' ? ['backup-verify'] : ['--kind', what];
}

describe.each([...keyKindNames, 'backup-escrow'] as const)('the rotation of %s', (what) => {
  it('ends the same, wherever mailctl was killed and run again, and the old secret is dead', async () => {
    let kills = 0;
    for (let killAt = 0, left = true; left; killAt += 1) {
      await using on = await wholePlatform(redis.url);
      const rotate = ['keys', 'rotate', ...wordsFor(on, what), '--overlap', '1ms'];
      const wasKilled = [
        await killedAfter(on, rotate, killAt),
        await killedOnceItMayBeUsed(on, what, { rotate, killAt }),
        await becomesActive(on, what),
        await killedAfter(on, ['keys', 'rotate', '--continue', '--force', '--yes'], killAt),
      ].filter(Boolean).length;
      await mailctl(on, 'keys', 'rotate', '--continue', '--force', '--yes');
      kills += wasKilled;
      left = wasKilled > 0;

      expect(await states(on, what)).toEqual(['active']);
      expect(await readdir(join(on.folder.path, 'secrets/rotation'))).toEqual([]);
      expect(await readdir(on.folder.path)).not.toContain('.env.before-rotation');
      await proofs[what](on);
    }
    console.log(`${what}: killed ${kills} times`);
    expect(kills).toBeGreaterThan(4);
  }, 600_000);
});

it('after a break-in the last lines of the runbook replace every key, and end every old one', async () => {
  await using on = await wholePlatform(redis.url);
  using tools = temporaryFolder();
  const run = shellIn(on.folder.path, tools.path, {});
  for (const line of runbook('leaked-key').at(-1) ?? []) await run(line);

  const living = await livingKeys(on.db);
  expect(living.map(({ kind, state }) => [kind, state])).toEqual(living.map(({ kind }) => [kind, 'active']));
  expect(new Set(living.map(({ kind }) => kind))).toEqual(new Set(keyKindNames));
  for (const kind of keyKindNames) await proofs[kind](on);
}, 600_000);

interface Killing {
  readonly rotate: readonly string[];
  readonly killAt: number;
}

/** A signing key waits for the DNS: what brings it into use is a run of its own, and is killed as well. */
async function killedOnceItMayBeUsed(
  on: WholePlatform,
  what: Rotated,
  { rotate, killAt }: Killing,
): Promise<boolean> {
  if (what !== 'postal-signing' || !(await states(on, what)).includes('pending')) return false;
  await on.publishSigning();
  return killedAfter(on, rotate, killAt);
}

/** Runs it again until the new key is in use; where it waits for the DNS, that is published first. */
async function becomesActive(on: WholePlatform, what: Rotated): Promise<false> {
  const words = ['keys', 'rotate', ...wordsFor(on, what), '--overlap', '1h'];
  for (let turn = 0; turn < 3 && (await states(on, what)).join() !== 'retiring,active'; turn += 1) {
    await mailctl(on, ...words);
    await on.publishSigning();
  }
  expect(await states(on, what)).toEqual(['retiring', 'active']);
  return false;
}

async function states({ db }: WholePlatform, what: Rotated): Promise<readonly string[]> {
  const kind = what === 'backup-escrow' ? 'backup-recipient' : what;
  return (await livingKeys(db)).filter((key) => key.kind === kind).map(({ state }) => state);
}
