import { chmodSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { Figure } from '../../../src/upkeep/figures.ts';
import type { Part } from '../../../src/domain/backup-set.ts';
import type { Compared } from '../../../src/operations/backup/verify-restored.ts';
import { exec } from '../../../src/adapters/exec.ts';
import { temporaryFolder } from '../../cli/folders.ts';
import { runJson } from '../../integration/cli/database-folder.ts';
import { goodSecret } from '../../config/valid-sources.ts';
import { putAge } from './age-tool.ts';
import { backupScene, manifestOf, type Scene } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await backupScene();
});
afterAll(() => scene[Symbol.asyncDispose]());
beforeEach(() => rmSync(scene.shelf, { recursive: true, force: true }));

const listed = async () => (await scene.backup('list')).data.sets.map(({ id }: { id: string }) => id);
const onShelf = () =>
  existsSync(scene.shelf) ? readdirSync(scene.shelf).filter((name) => name !== '.lock') : [];

type Backup = Awaited<ReturnType<Scene['backup']>>;

/** Acts, by a run else, with a client program whose body is another one; `$real` is the program it stands for. */
async function withClient(client: string, body: string, act = () => scene.backup('run')): Promise<Backup> {
  const path = join(scene.tools, client);
  renameSync(path, `${path}.real`);
  const version = `case "$*" in *--version*) exec "$real" "$@";; esac`;
  writeFileSync(path, `#!/bin/bash\nreal=${path}.real\n${version}\n${body}\n`);
  chmodSync(path, 0o755);
  try {
    return await act();
  } finally {
    renameSync(`${path}.real`, path);
  }
}

/** What opens a file with Debian's `age` and the escrow key, as a person would on another machine. */
async function openWithAge(file: string, reader = 'tar -tf -'): Promise<string> {
  const pipe = `"$0" -d -i "$1" "$2" | zstd -dc | ${reader}`;
  const age = await putAge(scene.tools);
  const opened = await exec(['bash', '-o', 'pipefail', '-c', pipe, age, scene.escrow, file], {
    timeoutMs: 20_000,
  });
  return opened.exit === 0 ? opened.stdout : opened.stderr;
}

/** What the scheduler is left to publish, by name; where there is one for each act, that of `run`. */
function figures({ dir }: Scene): Readonly<Record<string, number>> {
  const left = JSON.parse(readFileSync(join(dir, 'state/runs/backup.figures.json'), 'utf8'))
    .figures as Figure[];
  return Object.fromEntries(left.toReversed().map(({ name, value }) => [name, value]));
}

/** By act: 1 where its last run failed. */
function failedActs({ dir }: Scene): Readonly<Record<string, number>> {
  const left = JSON.parse(readFileSync(join(dir, 'state/runs/backup.figures.json'), 'utf8'))
    .figures as Figure[];
  const failed = left.filter(({ name }) => name === 'mailctl_backup_last_failed');
  return Object.fromEntries(failed.map(({ labels, value }) => [labels['act'] ?? '', value]));
}

describe('mailctl backup run', () => {
  it('takes a set of both stores, seals keys to the escrow key alone, and proves it by restoring', async () => {
    const { exit, data } = await scene.backup('run');
    expect({ exit, data }).toMatchObject({
      exit: 0,
      data: { applied: true, set: { stores: ['postgres', 'mariadb'], proven: { how: 'written' } } },
    });
    const manifest = manifestOf(scene, data.set.id);
    expect(manifest.parts.map(({ kind, sealed_to }: Part) => [kind, sealed_to.length])).toEqual([
      ['postgres', 2],
      ['mariadb', 2],
      ['config', 2],
      ['secrets', 1],
    ]);
    const [postgres, mariadb] = manifest.parts;
    expect(postgres.position).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/);
    expect(mariadb).toMatchObject({ position: null, no_position: expect.stringContaining('log_bin is off') });
    const { data: verified, error } = await scene.backup('verify', '--restore');
    expect(error).toBeUndefined();
    const rows = Object.fromEntries(
      verified.proof.tables.map(({ table, restored_rows: is }: Compared) => [table, is]),
    );
    expect(rows).toMatchObject({ messages: 2, [`${scene.postal.messages}.raw-2026-11-23`]: 3 });
    expect(verified.set.proven.how).toBe('restored');
    expect(JSON.parse(readFileSync(join(scene.dir, 'state/runs/backup-verify.json'), 'utf8')).ok).toBe(true);
    expect(await scene.postal.run(`show databases like 'proof%'`)).toEqual([]);
  });

  it('makes files that the age tool opens with the escrow key, and shows no password anywhere', async () => {
    for (const name of ['dump.sql', 'cache', 'postal.json']) writeFileSync(join(scene.dir, name), '{}');
    const { data } = await scene.backup('run');
    const folder = join(scene.shelf, data.set.id);
    expect(await openWithAge(join(folder, 'secrets.tar.zst.age'))).toContain('secrets/postal-signing.key');
    expect((await openWithAge(join(folder, 'config.tar.zst.age'))).trim().split('\n')).toEqual([
      'compose.yaml',
      'postal.json',
    ]);
    expect(readFileSync(join(folder, 'manifest.json'), 'utf8')).not.toContain('p"a$s');
  });

  it('holds the secrets that .env keeps in files of their own, wherever those are, and says what it lacks', async () => {
    using outside = temporaryFolder();
    const elsewhere = join(outside.path, 'sealing');
    writeFileSync(join(scene.dir, 'key-of-postal'), `${goodSecret}\n`);
    writeFileSync(elsewhere, `${goodSecret}\n`);
    const path = join(scene.dir, '.env');
    const before = readFileSync(path, 'utf8');
    const without = before.replace(/^POSTAL_API_KEY=.*\n/gm, '');
    const named = `POSTAL_API_KEY_FILE=key-of-postal\nPOSTAL_WEBHOOK_PUBLIC_KEY_FILE=${elsewhere}\n`;
    writeFileSync(
      path,
      `${without}${named}RELAY_TLS_KEY_FILE=/nowhere/tls.key\n`.replaceAll(
        /^RELAY_TLS_KEY_FILE=secrets.*\n/gm,
        '',
      ),
    );

    const { exit, data } = await scene.backup('run');
    rmSync(elsewhere);
    const lacking = await scene.backup('run');
    writeFileSync(path, before);

    expect([exit, data.set.missing]).toEqual([0, []]);
    const names = await openWithAge(join(scene.shelf, data.set.id, 'secrets.tar.zst.age'));
    expect(names.split('\n')).toEqual(expect.arrayContaining(['key-of-postal', `outside${elsewhere}`]));
    expect(lacking).toMatchObject({
      exit: 3,
      data: { set: { missing: ['POSTAL_WEBHOOK_PUBLIC_KEY_FILE'] } },
    });
  });

  it('holds mail in the dump of PostgreSQL as the text it is, and proves a set of before that has it in hexadecimal digits', async () => {
    const mails = (id: string) =>
      openWithAge(
        join(scene.shelf, id, 'postgres.dump.zst.age'),
        `{ grep -acF 'To: <ann@example.test>' || :; }`,
      );
    const now = (await scene.backup('run')).data.set.id;
    expect(manifestOf(scene, now).parts[0].octets).toBe('escape');
    expect(Number(await mails(now))).toBe(2);
    rmSync(scene.shelf, { recursive: true });

    const before = (await withClient('pg_dump', 'exec "$real" "${@/bytea_output=escape/bytea_output=hex}"'))
      .data.set.id;
    expect(Number(await mails(before))).toBe(0);
    const manifest = manifestOf(scene, before);
    delete manifest.parts[0].octets;
    writeFileSync(join(scene.shelf, before, 'manifest.json'), JSON.stringify(manifest));
    expect((await scene.backup('verify', before, '--restore')).data.proof).toMatchObject({ how: 'restored' });
  });

  it('opens every file with the escrow key when it is tested, and refuses a foreign one', async () => {
    const { data } = await scene.backup('run');
    const tested = await scene.backup('key', 'test', '--identity-file', scene.escrow);
    expect(tested.data).toEqual({ id: data.set.id, opened: ['postgres', 'mariadb', 'config', 'secrets'] });
    const foreign = join(scene.tools, 'foreign.key');
    writeFileSync(foreign, readFileSync(join(scene.dir, 'secrets/backup-verify.key')));
    expect(await scene.backup('key', 'test', '--identity-file', foreign)).toMatchObject({ exit: 12 });
  });

  it('in the strict mode proves while it writes, and afterwards only with the escrow key', async () => {
    await using strict = await backupScene({ BACKUP_VERIFY_KEY: 'none' });
    const { data } = await strict.backup('run');
    expect(data.set).toMatchObject({ sealed: 'strict', proven: { how: 'written' } });
    const { parts } = manifestOf(strict, data.set.id);
    expect(parts.every(({ sealed_to: to }: Part) => to.join() === 'escrow')).toBe(true);
    const read = await strict.backup('verify');
    expect(read.data.proof).toMatchObject({ how: 'read', opened: [] });
    const unproven = await strict.backup('verify', '--restore');
    expect(unproven).toMatchObject({ exit: 3, data: { proof: { how: 'read', opened: [], tables: [] } } });
    expect(figures(strict)['mailctl_backup_last_proof_timestamp_seconds']).toBeUndefined();
    expect(failedActs(strict)).toEqual({ run: 0, verify: 0 });
    const proven = await strict.backup('verify', '--restore', '--identity-file', strict.escrow);
    expect(proven.error).toBeUndefined();
    expect(proven.data.proof.opened).toEqual(['postgres', 'mariadb', 'config', 'secrets']);
    expect(await strict.backup('restore', data.set.id)).toMatchObject({ exit: 2 });
    expect(figures(strict)).toMatchObject({
      mailctl_backup_strict: 1,
      mailctl_backup_sets: 1,
      mailctl_backup_last_success_duration_seconds: manifestOf(strict, data.set.id).seconds,
    });
    expect(figures(strict)['mailctl_backup_last_proof_timestamp_seconds']).toBeGreaterThan(1_700_000_000);
  });

  it('stands in the status, with the strict mode and the timetable', async () => {
    await using strict = await backupScene({ BACKUP_VERIFY_KEY: 'none' });
    const { data: run } = await strict.backup('run');
    const { data: status } = await runJson({ path: strict.dir }, 'status');
    const { backup, schedule } = status;
    expect(backup).toMatchObject({ strict: true, proven: null });
    expect(Date.parse(backup.last)).toBeGreaterThanOrEqual(Date.parse(run.set.created_at));
    const row = schedule.find(({ name }: { name: string }) => name === 'backup');
    expect(row).toMatchObject({ when: '15 1 * * *', last: null });
    expect(row.next).toMatch(/T01:15:00/);
  });

  it('names the images that the stack was started from', async () => {
    const lock = join(scene.dir, 'mailctl.lock.json');
    const digest = `sha256:${'a'.repeat(64)}`;
    writeFileSync(lock, JSON.stringify({ images: { POSTGRES_IMAGE: digest } }));
    const { data } = await scene.backup('run');
    rmSync(lock);
    expect(manifestOf(scene, data.set.id).images).toEqual({ 'images.POSTGRES_IMAGE': digest });
    const { data: without } = await scene.backup('run');
    expect(manifestOf(scene, without.set.id).images).toEqual({});
  });

  it('refuses a set that lost most of its rows, until that is accepted', async () => {
    await scene.backup('run');
    await scene.database.db.query('create table if not exists orders as select generate_series(1, 10)');
    await scene.backup('run');
    await scene.database.db.query('delete from orders');
    const sets = await listed();
    expect(await scene.backup('run')).toMatchObject({
      exit: 20,
      error: { message: expect.stringContaining('orders: 10 rows, now 0') },
    });
    expect(await listed()).toEqual(sets);
    expect(await scene.backup('run', '--accept-shrink')).toMatchObject({ exit: 0 });
    await scene.database.db.query('drop table orders');
  });

  it('proves a set only when a known message reads from what was restored', async () => {
    const { db } = scene.database;
    const [newest] = await db.query<{ id: string; raw: Buffer }>(
      'select message_id as id, raw from bodies order by message_id desc limit 1',
    );
    await db.query(`update bodies set raw = 'cut' where message_id = $1`, [newest?.id]);
    await scene.backup('run');
    const verified = await scene.backup('verify', '--restore');
    await db.query('update bodies set raw = $2 where message_id = $1', [newest?.id, newest?.raw]);
    expect(verified).toMatchObject({
      exit: 20,
      error: { message: expect.stringContaining(`${newest?.id} cannot be read`) },
    });
    expect((await scene.backup('list')).data.sets[0].proven.how).not.toBe('restored');
    expect(JSON.parse(readFileSync(join(scene.dir, 'state/runs/backup-verify.json'), 'utf8')).ok).toBe(false);
    expect(await db.query(`select from pg_database where datname like 'proof%'`)).toEqual([]);
  });

  it.each([
    [
      'mariadb',
      `sed -u 's/ann@example.test/bob@example.test/' | "$real" "$@"`,
      () => `${scene.postal.messages}.messages: 3 rows in the set, 3 restored`,
    ],
    [
      'mariadb',
      `sed -u '/^INSERT INTO .raw-2026-11-23/,/;$/d' | "$real" "$@"`,
      () => `${scene.postal.messages}.raw-2026-11-23: 3 rows in the set, 0 restored`,
    ],
    [
      'pg_restore',
      `case "$*" in *--exit-on-error*) LC_ALL=C sed 's/Hello/Hullo/' | "$real" "$@";; *) exec "$real" "$@";; esac`,
      () => 'messages: 2 rows in the set, 2 restored',
    ],
  ])('does not take a set for proven when %s restores other rows: %s', async (client, body, said) => {
    const { data } = await scene.backup('run');
    const prove = () => scene.backup('verify', data.set.id, '--restore');
    expect(await withClient(client, body, prove)).toMatchObject({
      exit: 20,
      error: { message: expect.stringContaining(said()) },
    });
    expect((await scene.backup('list')).data.sets[0].proven.how).not.toBe('restored');
    expect(failedActs(scene)).toMatchObject({ verify: 1 });
    expect(await scene.postal.run(`show databases like 'proof%'`)).toEqual([]);
    expect((await prove()).data.proof).toMatchObject({ how: 'restored' });
  });

  it('refuses the time at which Postal drops its tables', async () => {
    writeFileSync(
      join(scene.dir, '.env'),
      readFileSync(join(scene.dir, '.env'), 'utf8').replace(/^BACKUP_AVOID=.*/m, 'BACKUP_AVOID=00:00-23:59'),
    );
    const refused = await scene.backup('run');
    writeFileSync(
      join(scene.dir, '.env'),
      readFileSync(join(scene.dir, '.env'), 'utf8').replace(/^BACKUP_AVOID=.*/m, 'BACKUP_AVOID=00:00-00:00'),
    );
    expect(refused).toMatchObject({ exit: 21, error: { field: 'BACKUP_AVOID' } });
  });
});

describe('a dump that is not whole', () => {
  it.each([
    ['is empty', 'mariadb-dump', 'cat >/dev/null', 20],
    [
      'is cut short and says it went well',
      'mariadb-dump',
      'set -o pipefail; "$real" "$@" | head -c 5000; exit 0',
      20,
    ],
    ['fails at its end', 'mariadb-dump', '"$real" "$@"; exit 3', 13],
    ['is killed in the middle', 'mariadb-dump', '"$real" "$@" | head -c 5000; kill -9 $$', 13],
    ['of PostgreSQL is empty', 'pg_dump', 'cat >/dev/null', 20],
    ['of PostgreSQL is none', 'pg_dump', 'cat >/dev/null; echo nonsense', 20],
    ['of PostgreSQL is cut short in its list', 'pg_dump', '"$real" "$@" | head -c 300', 20],
    ['of PostgreSQL is cut short in its rows', 'pg_dump', '"$real" "$@" | head -c -40', 20],
    ['of PostgreSQL fails at its end', 'pg_dump', '"$real" "$@"; exit 1', 13],
  ])('is never listed when it %s', async (_, client, body, exit) => {
    expect(await withClient(client, body)).toMatchObject({ exit });
    expect(await listed()).toEqual([]);
    expect(onShelf()).toEqual([]);
    expect(JSON.parse(readFileSync(join(scene.dir, 'state/runs/backup.json'), 'utf8')).ok).toBe(false);
    expect(figures(scene)).toMatchObject({ mailctl_backup_last_failed: 1, mailctl_backup_sets: 0 });
  });
});

describe('a set that was damaged later', () => {
  it.each([
    ['has lost its end', (bytes: Buffer) => bytes.subarray(0, -100), 2],
    ['is empty', () => Buffer.alloc(0), 2],
    [
      'has another octet',
      (bytes: Buffer) => Buffer.from(bytes.map((byte, at) => (at === 900 ? byte ^ 1 : byte))),
      20,
    ],
    [
      'is half sealed, half open',
      (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 700), Buffer.alloc(bytes.length - 700, 65)]),
      20,
    ],
  ])('is not good when a file %s', async (_, damage, exit) => {
    const { data } = await scene.backup('run');
    const file = join(scene.shelf, data.set.id, 'mariadb.sql.zst.age');
    writeFileSync(file, damage(readFileSync(file)));
    expect(await scene.backup('verify', data.set.id)).toMatchObject({ exit });
    expect(await listed()).toEqual(exit === 2 ? [] : [data.set.id]);
  });

  it('does not exist without its manifest, and loses its proofs with another one', async () => {
    const { data } = await scene.backup('run');
    const manifest = join(scene.shelf, data.set.id, 'manifest.json');
    writeFileSync(manifest, `${readFileSync(manifest, 'utf8')} `);
    expect((await scene.backup('list')).data.sets[0].proven).toBeNull();
    rmSync(manifest);
    expect(await listed()).toEqual([]);
  });
});
