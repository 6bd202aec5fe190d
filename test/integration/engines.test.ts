import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { expect, it, vi } from 'vitest';
import { z } from 'zod';

import { unpackDebian } from '../engines/debian-packages.ts';

import { mariadbAddress } from '../engines/mariadb.ts';
import { emptyDatabase, testDatabase } from '../engines/postgres.ts';
import { testRedis } from '../engines/redis.ts';
import { processesWith } from '../programs/process-list.ts';
import { startProgram } from '../programs/program.ts';

it('gives each test a migrated PostgreSQL database that nobody else sees', async () => {
  await using one = await testDatabase();
  await using other = await testDatabase();
  await one.db.query('create table mine ()');

  expect(one.address.database).not.toBe(other.address.database);
  await expect(other.db.query('select * from mine')).rejects.toMatchObject({ code: '42P01' });
});

it('drops the database at the end of the test, although somebody is connected', async () => {
  const gone = await testDatabase();
  await using witness = await emptyDatabase();
  await gone.db.query('select 1');
  await gone[Symbol.asyncDispose]();

  const names = await witness.db.query<{ datname: string }>('select datname from pg_database');
  expect(names.map((row) => row.datname)).not.toContain(gone.address.database);
});

it('gives each test an empty Redis database of its own', async () => {
  await using one = await testRedis();
  await using other = await testRedis();

  expect(await say(one.address, 'SET key value')).toBe('+OK\r\n');
  expect(await say(other.address, 'GET key')).toBe('$-1\r\n');
});

it('starts a MariaDB', async () => {
  const { socketPath } = await mariadbAddress();
  const socket = connect(socketPath);
  const greeting = await new Promise<string>((resolve, reject) => {
    socket.once('data', (data) => resolve(data.toString('latin1'))).once('error', reject);
  });
  socket.destroy();

  expect(greeting).toMatch(/1\d\.\d+\.\d+-MariaDB/);
});

it('unpacks a Debian package once, and keeps none that is of no use', async ({ skip }) => {
  const cache = await mkdtemp(join(tmpdir(), 'debian-'));
  const wanted = { name: 'liblzf1', brings: 'usr/lib' };
  try {
    const root = await unpackDebian(wanted, cache).catch((error: unknown) =>
      skip(`no packages: ${String(error)}`),
    );
    vi.stubEnv('PATH', '/nowhere');
    expect(await unpackDebian(wanted, cache)).toBe(root);
    vi.unstubAllEnvs();
    expect(await readdir(root)).toEqual(['usr']);

    const wrong = { name: 'libjemalloc2', brings: 'usr/sbin/other' };
    await expect(unpackDebian(wrong, cache)).rejects.toThrow(
      /libjemalloc2 brought no usr.sbin.other, only \S+\.deb/,
    );
    expect(await readdir(join(root, '..'))).toEqual(['liblzf1']);
  } finally {
    vi.unstubAllEnvs();
    await rm(cache, { recursive: true, force: true });
  }
});

it('leaves no engine behind when the run is killed with SIGKILL', async () => {
  await using owner = await startProgram('leash-owner.ts');
  const { folder } = z.object({ folder: z.string() }).parse(owner.said);
  await vi.waitFor(async () => expect(await processesWith(folder)).toHaveLength(3), 10_000);

  owner.kill('SIGKILL');

  await vi.waitFor(async () => {
    expect(await processesWith(folder)).toEqual([]);
    expect(existsSync(folder)).toBe(false);
  }, 10_000);
});

async function say({ path, db }: { path: string; db: number }, command: string): Promise<string> {
  const socket = connect(path);
  socket.end(`SELECT ${db}\r\n${command}\r\n`);
  return (await text(socket)).replace('+OK\r\n', '');
}
