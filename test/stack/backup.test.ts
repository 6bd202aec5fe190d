import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it, TestRunner } from 'vitest';

import { makeAgeKey } from '../../src/adapters/age.ts';
import { exec } from '../../src/adapters/exec.ts';
import { systemRandom } from '../../src/adapters/random.ts';
import { migrate, migrations } from '../../src/store/migrate.ts';
import { openRuntime } from '../../src/runtime.ts';
import { temporaryFolder } from '../cli/folders.ts';
import { envText } from '../config/valid-sources.ts';
import { runJson } from '../integration/cli/database-folder.ts';
import { submit } from '../store/submit.ts';
import { until } from '../store/until.ts';
import { ensureEngine } from './harness/engine.ts';
import { buildImages, imageVariables } from './harness/images.ts';

const project = `mailctl-backup-${systemRandom.letters(6)}`;
const secret = (name: string) => `${name}-${systemRandom.letters(40)}`;
const passwords = { postgres: secret('p'), mariadb: secret('m') };
const folder = temporaryFolder();

async function docker(...words: readonly string[]): Promise<string> {
  const { exit, stdout, stderr } = await exec(['docker', ...words], { timeoutMs: 120_000 });
  if (exit !== 0) throw new Error(`docker ${words[0]}: ${stderr}`);
  return stdout.trim();
}

const places = {
  postgres: {
    image: imageVariables.POSTGRES_IMAGE,
    data: '/var/lib/postgresql/data',
    run: '/run/postgresql',
    command: ['postgres'],
  },
  mariadb: {
    image: imageVariables.MARIADB_IMAGE,
    data: '/var/lib/mysql',
    run: '/run/mysqld',
    command: ['mariadbd', '--skip-name-resolve'],
  },
} as const;

/** A database's container as Compose starts it, on a network without a way out; its password is in a file. */
async function start(service: 'postgres' | 'mariadb', settings: readonly string[]): Promise<void> {
  const path = join(folder.path, 'secrets', service);
  writeFileSync(path, passwords[service], { mode: 0o444 });
  const labels = [`project=${project}`, `service=${service}`].flatMap((label) => [
    '--label',
    `com.docker.compose.${label}`,
  ]);
  const { image, data, run, command } = places[service];
  const name = ['--name', `${project}-${service}-1`, '--network', project, '-v', `${path}:/run/password:ro`];
  const confined = ['--user', '999:999', '--read-only', '--tmpfs', '/tmp:mode=1777', '-v', data];
  const sockets = ['--tmpfs', `${run}:mode=0775,uid=999,gid=999`];
  const environment = settings.flatMap((one) => ['-e', one]);
  await docker('run', '-d', ...name, ...labels, ...confined, ...sockets, ...environment, image, ...command);
}

/** A container in the relay's place, with an empty journal in a volume that the host does not see, and a relay that takes no wish. */
async function startRelay(): Promise<void> {
  const labels = [`project=${project}`, 'service=relay'].flatMap((label) => [
    '--label',
    `com.docker.compose.${label}`,
  ]);
  const named = ['--name', `${project}-relay-1`, ...labels, '-e', 'RELAY_JOURNAL_DIR=/tmp/journal'];
  const run = ['sh', '-c', 'mkdir -p /tmp/journal/refused && exec sleep infinity'];
  const alone = ['--network', 'none', '--user', '999:999', '--entrypoint', ''];
  await docker('run', '-d', ...named, ...alone, places.postgres.image, ...run);
}

const inMariadb = (sql: string) =>
  docker(
    'exec',
    `${project}-mariadb-1`,
    'sh',
    '-c',
    `MYSQL_PWD=$(cat /run/password) mariadb -u root -N postal -e "$0"`,
    sql,
  );

async function isReady(container: string, ...words: readonly string[]): Promise<boolean> {
  return (await exec(['docker', 'exec', container, ...words], { timeoutMs: 20_000 })).exit === 0;
}

async function makeFolder(): Promise<void> {
  const [escrow, verify] = [await makeAgeKey(), await makeAgeKey()];
  const put = (name: string, text: string) => writeFileSync(join(folder.path, name), text, { mode: 0o600 });
  put('compose.yaml', 'services: {}\n');
  put('secrets/backup-escrow.pub', `${escrow.recipient}\n`);
  put('secrets/backup-verify.key', `${verify.identity.reveal()}\n`);
  put(
    '.env',
    envText({
      STACK_NAME: project,
      POSTGRES_HOST: undefined,
      POSTGRES_DATABASE: 'mail',
      POSTGRES_USER: 'mail',
      POSTGRES_PASSWORD: passwords.postgres,
      POSTAL_DB_HOST: 'mariadb',
      POSTAL_DB_USER: 'reader',
      POSTAL_DB_PASSWORD: secret('r'),
      BACKUP_MARIADB_USER: 'root',
      BACKUP_MARIADB_PASSWORD: passwords.mariadb,
      BACKUP_AVOID: '00:00-00:00',
    }),
  );
}

async function fill(): Promise<void> {
  await using runtime = openRuntime({ dir: folder.path, environment: {}, uid: process.getuid?.() });
  const db = await runtime.postgres();
  await migrate(db, await migrations(), 60_000);
  await submit(db);
  await inMariadb(
    [
      readFileSync(new URL('../engines/postal-main.sql', import.meta.url), 'utf8'),
      'create database `postal-server-1` collate utf8mb4_unicode_ci; use `postal-server-1`;',
      readFileSync(new URL('../engines/postal-messages.sql', import.meta.url), 'utf8'),
      'create table `raw-2026-11-23` (id int primary key auto_increment, data longblob, next int);',
      "insert into `raw-2026-11-23` (data) values (repeat('x', 3000000));",
      "insert into messages (id, token, scope, rcpt_to, mail_from, timestamp, status) values (1, 't1', 'outgoing', 'ann@example.test', 'k1@mail.test', 1, 'Sent');",
    ].join('\n'),
  );
}

beforeAll(async () => {
  const reason = await ensureEngine();
  if (reason !== undefined) return;
  await buildImages();
  mkdirSync(join(folder.path, 'secrets'), { mode: 0o755 });
  await docker('network', 'create', '--internal', project);
  await start('postgres', ['POSTGRES_USER=mail', 'POSTGRES_DB=mail', 'POSTGRES_PASSWORD_FILE=/run/password']);
  await start('mariadb', [
    'MARIADB_DATABASE=postal',
    'MARIADB_USER=postal',
    'MARIADB_PASSWORD=unused',
    'MARIADB_ROOT_PASSWORD_FILE=/run/password',
  ]);
  const [postgres, mariadb] = [`${project}-postgres-1`, `${project}-mariadb-1`];
  await until(() => isReady(postgres, 'pg_isready', '-q', '-h', '127.0.0.1'), Boolean, 120_000);
  await until(() => isReady(mariadb, 'mariadb-admin', '-h', '127.0.0.1', 'ping'), Boolean, 120_000);
  await startRelay();
  await makeFolder();
  await fill();
}, 900_000);

afterAll(async () => {
  const all = await exec(['docker', 'ps', '-aq', '--filter', `label=com.docker.compose.project=${project}`], {
    timeoutMs: 20_000,
  });
  const ids = all.stdout.split('\n').filter(Boolean);
  if (ids.length > 0) await docker('rm', '-f', '-v', ...ids);
  await exec(['docker', 'network', 'rm', project], { timeoutMs: 60_000 });
  folder[Symbol.dispose]();
}, 120_000);

const backup = (...words: readonly string[]) => runJson(folder, 'backup', ...words);

/** Every command that the engine was asked to run inside the project's containers since then, with the words of the request. */
async function executed(since: number): Promise<readonly string[]> {
  const span = ['--since', String(since), '--until', String(Date.now() / 1000 + 1)];
  const events = await docker('events', ...span, '--filter', `label=com.docker.compose.project=${project}`);
  return events.split('\n').filter((line) => line.includes('exec_create'));
}

describe('backups on the host of a stack', { timeout: 300_000 }, () => {
  it('are dumped, restored and compared by programs inside the containers, to which no argument tells a password', async () => {
    if ((await ensureEngine()) !== undefined) return TestRunner.getCurrentTest()?.context.skip('no engine');
    const since = Date.now() / 1000;
    const { data, error } = await backup('run');
    expect(error).toBeUndefined();
    const { data: shown } = await backup('show');
    const tools = shown.set.manifest.parts.map(({ tool }: { tool: string }) => tool);
    expect(tools).toEqual(
      expect.arrayContaining(['pg_dump (container postgres)', 'mariadb-dump (container mariadb)']),
    );
    const { data: verified, error: unproven } = await backup('verify', data.set.id, '--restore');
    expect(unproven).toBeUndefined();
    expect(verified.proof.tables).toContainEqual({
      table: 'postal-server-1.raw-2026-11-23',
      rows: 1,
      restored_rows: 1,
      same: true,
    });

    const commands = await executed(since);
    for (const program of ['pg_dump', 'pg_restore', 'mariadb-dump', 'mariadb'])
      expect(commands.some((line) => line.includes(` ${program} `))).toBe(true);
    for (const password of Object.values(passwords)) expect(commands.join('\n')).not.toContain(password);
  });

  it('leave no password in the environment of what runs inside', async () => {
    const watches = Object.keys(places).map((service) => watchPrograms(`${project}-${service}-1`));
    const { error } = await backup('run');
    const seen = await Promise.all(watches.map((watch) => watch.over()));
    expect(error).toBeUndefined();
    expect(seen.join('\n')).toMatch(/^PGPASSFILE=/m);
    expect(seen.join('\n')).toMatch(/^mariadb-dump$/m);
    for (const password of Object.values(passwords)) expect(seen.join('\n')).not.toContain(password);
  });

  it('are put in place of what was destroyed', async () => {
    const { data } = await backup('run');
    await inMariadb('drop database `postal-server-1`; drop table queued_messages');
    await docker(
      'exec',
      `${project}-postgres-1`,
      'psql',
      '-U',
      'mail',
      '-d',
      'mail',
      '-c',
      'drop table messages cascade',
    );
    const restored = await backup('restore', data.set.id, '--confirm', 'example.com');
    expect(restored).toMatchObject({ exit: 0, data: { shipping: 'asked' } });
    const commit = ['commit', data.set.id, '--confirm', 'example.com'];
    expect(await backup(...commit)).toMatchObject({ exit: 21 });
    const wish = '/tmp/journal/reship-since';
    const since = await docker('exec', `${project}-relay-1`, 'cat', wish);
    expect(new Date(since) >= new Date(data.set.created_at)).toBe(true);
    await docker('exec', `${project}-relay-1`, 'rm', wish);
    expect((await backup(...commit)).error).toBeUndefined();
    expect(await inMariadb('select length(data) from `postal-server-1`.`raw-2026-11-23`')).toBe('3000000');
    const counted = ['psql', '-U', 'mail', '-d', 'mail', '-Atc', 'select count(*) from messages'];
    expect(await docker('exec', `${project}-postgres-1`, ...counted)).toBe('1');
  });
});

/** Looks without a pause, from inside, at arguments and environment of all that runs in a container; `over` ends it and tells each line once. */
function watchPrograms(container: string) {
  const look = "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' >>/tmp/seen";
  const script = `rm -f /tmp/over; while [ ! -e /tmp/over ]; do ${look}; done; sort -u /tmp/seen`;
  const watching = docker('exec', container, 'sh', '-c', script);
  return {
    over: async () => {
      await docker('exec', container, 'touch', '/tmp/over');
      return watching;
    },
  };
}
