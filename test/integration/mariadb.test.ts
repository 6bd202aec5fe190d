import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { type MariadbAddress, mariadbAt } from '../../src/adapters/mariadb.ts';
import { Secret } from '../../src/domain/secret.ts';
import { postalDatabases, type TestPostal } from '../engines/postal-databases.ts';
import { until } from '../store/until.ts';

let postal: TestPostal;
beforeEach(async () => {
  postal = await postalDatabases();
});
afterEach(async () => {
  await postal[Symbol.asyncDispose]();
});

function ask(changes: Partial<MariadbAddress>, text = 'select 1 as one', values: readonly string[] = []) {
  return mariadbAt({ ...postal.reader, ...changes }).session((session) => session.query(text, values));
}

async function connections(): Promise<number> {
  const rows = await postal.run('select id from information_schema.processlist where user = ?', [
    postal.reader.user,
  ]);
  return rows.length;
}

describe('a MariaDB', () => {
  it('answers, takes values for what they are, and keeps no connection afterwards', async () => {
    expect(await ask({}, 'select ? as text', [`'; drop "é\\\u{1f4e7}`])).toEqual([
      { text: `'; drop "é\\\u{1f4e7}` },
    ]);
    await until(connections, (count) => count === 0);
  });

  it.each<[string, Partial<MariadbAddress>, string, string]>([
    ['no socket is there', { host: '/nowhere/socket' }, 'unreachable', 'POSTAL_DB_HOST'],
    ['nobody listens', { host: '127.0.0.1', port: 1 }, 'unreachable', 'POSTAL_DB_HOST'],
    ['the password is wrong', { password: new Secret('canary') }, 'access-denied', 'POSTAL_DB_PASSWORD'],
    ['the user is unknown', { user: 'nobody' }, 'access-denied', 'POSTAL_DB_PASSWORD'],
  ])('says what to do when %s', async (_, changes, code, field) => {
    await expect(ask(changes)).rejects.toMatchObject({ code, field });
  });

  it('says what to do when it has no such table, or shows it to others only', async () => {
    const root = { user: 'root', password: new Secret('') };
    const text = `select 1 from \`${postal.names.main}\`.queued`;
    await expect(ask(root, text)).rejects.toMatchObject({ code: 'unreachable', field: 'POSTAL_DB_NAME' });
    await expect(ask({}, text)).rejects.toMatchObject({ code: 'access-denied', field: 'POSTAL_DB_PASSWORD' });
  });

  it('says that it cannot be reached when the connection ended between two statements', async () => {
    const talk = mariadbAt(postal.reader).session(async (session) => {
      const [{ id } = {}] = await session.query('select connection_id() as id');
      await postal.run(`kill ${String(id)}`);
      await until(connections, (count) => count === 0);
      await session.query('select 1').catch(() => undefined);
      return session.query('select 1');
    });
    await expect(talk).rejects.toMatchObject({ code: 'unreachable', field: 'POSTAL_DB_HOST' });
  });

  it('shows neither the password nor a value in its failures', async () => {
    const failures = [
      await ask({ password: new Secret('canary-1') }).catch((error: unknown) => error),
      await ask({}, 'select ? from mysql.user', ['canary-2']).catch((error: unknown) => error),
    ];
    for (const failure of failures) {
      expect(failure).toBeInstanceOf(Error);
      expect(inspect(failure, { depth: 9 })).not.toContain('canary');
    }
  });

  it('is not waited for when it accepts and says nothing', async () => {
    const silent = createServer((socket) => socket.on('error', () => undefined));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    await expect(ask({ host: '127.0.0.1', port, timeoutMs: 100 })).rejects.toMatchObject({
      code: 'timed-out',
      field: 'POSTAL_DB_TIMEOUT',
    });
    await new Promise<void>((resolve) => silent.close(() => resolve()));
  });

  it('is not waited for when a session that may take longer takes too long, and the variable for it is named', async () => {
    const work = { ms: 300, variable: 'BACKUP_TIMEOUT' };
    await expect(ask({ timeoutMs: 60_000, work }, 'select sleep(20)')).rejects.toMatchObject({
      code: 'timed-out',
      field: 'BACKUP_TIMEOUT',
      message: expect.stringContaining('300 ms'),
    });
    await until(connections, (count) => count === 0);
  });

  it('is not waited for when a statement takes too long, and hears of it', async () => {
    const started = performance.now();
    await expect(ask({ timeoutMs: 300 }, 'select sleep(20)')).rejects.toMatchObject({ code: 'timed-out' });
    expect(performance.now() - started).toBeLessThan(10_000);
    await until(connections, (count) => count === 0);
  });
});
