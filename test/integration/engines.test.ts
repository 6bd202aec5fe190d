import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

import { expect, it } from 'vitest';

import { mariadbAddress } from '../engines/mariadb.ts';
import { emptyDatabase, testDatabase } from '../engines/postgres.ts';
import { testRedis } from '../engines/redis.ts';

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

async function say({ path, db }: { path: string; db: number }, command: string): Promise<string> {
  const socket = connect(path);
  socket.end(`SELECT ${db}\r\n${command}\r\n`);
  return (await text(socket)).replace('+OK\r\n', '');
}
