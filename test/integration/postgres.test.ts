import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import {
  type Database,
  openPostgres,
  type Postgres,
  type PostgresAddress,
} from '../../src/adapters/postgres.ts';
import { OperatorError } from '../../src/domain/failure.ts';
import { Secret } from '../../src/domain/secret.ts';
import { emptyDatabase, type TestDatabase } from '../engines/postgres.ts';
import { silentPostgres } from '../engines/silent-line.ts';

let database: TestDatabase;
let db: Postgres;
beforeEach(async () => {
  database = await emptyDatabase();
  db = database.db;
  await db.query('create table notes (word text primary key)');
});
afterEach(() => database[Symbol.asyncDispose]());

const write = (to: Database, word: string) => to.change('insert into notes values ($1)', [word]);
const words = async () =>
  (await db.query<{ word: string }>('select word from notes order by word')).map((note) => note.word);

it('has no statement compiled, which takes longer than any of ours', async () => {
  expect(await db.query('show jit')).toEqual([{ jit: 'off' }]);
});

describe('a statement', () => {
  const kept = (within: Database) =>
    within.query<{ statement: string }>('select statement from pg_prepared_statements');
  const repeat = async (times: number, work: () => Promise<unknown>) => {
    for (let time = 0; time < times; time += 1) await work();
  };
  const find = 'select word from notes where word = $1';

  it('is kept prepared on a connection once it is asked often', async () => {
    await db.transaction(async (within) => {
      await repeat(4, () => within.query(find, ['a']));
      expect(await kept(within)).toEqual([]);
      await repeat(2, () => within.query(find, ['a']));

      expect(await kept(within)).toEqual([{ statement: find }]);
    });
  });

  it('with a limit that is given each time is planned each time', async () => {
    await db.transaction(async (within) => {
      await repeat(20, () => within.query(`${find} limit $2`, ['a', 1]));

      expect(await kept(within)).toEqual([]);
    });
  });

  it('of which every text is another is never kept', async () => {
    let number = 0;
    await db.transaction(async (within) => {
      await repeat(20, () => within.query(`select ${(number += 1)} where $1 = 'a'`, ['a']));

      expect(await kept(within)).toEqual([]);
    });
  });

  it('whose result a migration has changed works again after one failure', async () => {
    await write(db, 'long');
    await repeat(20, () => db.query(find, ['long']));
    await db.query('alter table notes alter column word type varchar(20)');
    const failures: unknown[] = [];
    await repeat(20, () => db.query(find, ['long']).catch((error: unknown) => failures.push(error)));

    expect(failures.length).toBe(1);
    expect(await db.query(find, ['long'])).toEqual([{ word: 'long' }]);
  });
});

describe('a transaction', () => {
  it('commits what its work did and gives back its result', async () => {
    const changed = await db.transaction((within) => write(within, 'kept'));

    expect(changed).toBe(1);
    expect(await words()).toEqual(['kept']);
  });

  it('does nothing when its work throws, and passes the error on as it is', async () => {
    const wrong = new Error('changed my mind');
    const failing = db.transaction(async (within) => {
      await write(within, 'lost');
      throw wrong;
    });

    await expect(failing).rejects.toBe(wrong);
    expect(await words()).toEqual([]);
  });

  it('keeps the SQLSTATE of a statement that fails, for the store to decide on', async () => {
    await write(db, 'taken');

    await expect(db.transaction((within) => write(within, 'taken'))).rejects.toMatchObject({ code: '23505' });
  });

  it('goes on after a nested one failed, without what that one did', async () => {
    await db.transaction(async (within) => {
      await write(within, 'before');
      const failed = await within
        .transaction(async (nested) => {
          await write(nested, 'inside');
          await write(nested, 'before');
        })
        .catch((error: unknown) => error);
      expect(failed).toMatchObject({ code: '23505' });
      await within.transaction((nested) => nested.transaction((deep) => write(deep, 'deep')));
    });

    expect(await words()).toEqual(['before', 'deep']);
  });

  it('is not seen by others before it is committed', async () => {
    await db.transaction(async (within) => {
      await write(within, 'hidden');
      expect(await words()).toEqual([]);
    });

    expect(await words()).toEqual(['hidden']);
  });

  it('fails when its work went on after a statement that failed, since PostgreSQL then commits nothing', async () => {
    await write(db, 'taken');
    const ignoring = db.transaction(async (within) => {
      await write(within, 'lost');
      await write(within, 'taken').catch(() => undefined);
    });

    await expect(ignoring).rejects.toThrow('nothing was committed');
    expect(await words()).toEqual(['taken']);
  });

  it('fails when the commit itself is refused', async () => {
    await db.query('alter table notes add constraint once unique (word) deferrable initially deferred');
    await db.query('alter table notes drop constraint notes_pkey');
    const failing = db.transaction(async (within) => {
      await write(within, 'twice');
      await write(within, 'twice');
    });

    await expect(failing).rejects.toMatchObject({ code: '23505' });
    expect(await words()).toEqual([]);
  });
});

describe('a connection that is lost', () => {
  it('fails the transaction in its middle as unreachable, keeps nothing of it, and is replaced', async () => {
    const failing = db.transaction(async (within) => {
      await write(within, 'half');
      await kill(within, db);
      await write(within, 'done');
    });

    await expect(failing).rejects.toMatchObject({
      code: 'unreachable',
      hint: expect.stringContaining('POSTGRES_HOST'),
    });
    expect(await words()).toEqual([]);
  });

  it('fails the transaction at its commit as unreachable', async () => {
    const failing = db.transaction(async (within) => {
      await write(within, 'half');
      await kill(within, db);
    });

    await expect(failing).rejects.toMatchObject({ code: 'unreachable' });
    expect(await words()).toEqual([]);
  });

  it('is told as unreachable, too, where what broke it says nothing to an operator', async () => {
    await using line = await silentPostgres(database.address);
    await using postgres = openPostgres({ ...line.address, poolSize: 1 });
    const failing = postgres.transaction(async (within) => {
      await write(within, 'half');
      line.say(Buffer.from('E\0\0\0\x18SFATAL\0CXX000\0Modd\0\0', 'latin1'));
      // By the time that these are answered the other connection has heard what was said before them.
      for (let answers = 0; answers < 3; answers += 1) await db.query('select 1');
      await write(within, 'done');
    });

    await expect(failing).rejects.toMatchObject({ code: 'unreachable', field: 'POSTGRES_HOST' });
    expect(await postgres.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('is replaced silently when it was idle', async () => {
    await using other = openPostgres(database.address);
    await Promise.all([db.query('select pg_sleep(0.05)'), db.query('select pg_sleep(0.05)')]);
    await other.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );

    await vi.waitFor(async () => expect(await words()).toEqual([]), 5_000);
  });
});

it('closes a connection once nothing has used it for its idle time, and not before', async () => {
  const open = (name: string, idleTimeoutMs: number) =>
    openPostgres({ ...database.address, applicationName: name, idleTimeoutMs });
  await using brief = open('brief', 20);
  await using lasting = open('lasting', 600_000);
  for (const pool of [lasting, brief]) await pool.query('select 1');

  await vi.waitFor(async () => {
    const rows = await db.query(
      `select application_name as name from pg_stat_activity where application_name in ('brief', 'lasting')`,
    );
    expect(rows).toEqual([{ name: 'lasting' }]);
  }, 5_000);
});

describe('a connection that is cut off without a word', () => {
  const limits = { statementTimeoutMs: 200, answerTimeoutMs: 200, poolSize: 1 };
  const cutOff = { code: 'unreachable', field: 'POSTGRES_ANSWER_TIMEOUT' };

  it('fails a statement after the time in which PostgreSQL itself would have ended it, and is never used again', async () => {
    await using line = await silentPostgres(database.address);
    await using postgres = openPostgres({ ...line.address, ...limits });
    await postgres.query('select 1');
    expect(line.cut()).toBe(1);

    await expect(postgres.query('select 1')).rejects.toMatchObject(cutOff);
    expect(await postgres.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('fails a transaction at its first statement that gets no answer, keeps neither its work nor its locks at PostgreSQL, which hears of nothing, and is never used again', async () => {
    await using line = await silentPostgres(database.address);
    await using postgres = openPostgres({ ...line.address, ...limits });
    const failing = postgres.transaction(async (within) => {
      await write(within, 'half');
      line.cut();
      await write(within, 'done');
    });

    await expect(failing).rejects.toMatchObject(cutOff);
    expect(await postgres.query('select 1 as one')).toEqual([{ one: 1 }]);
    expect(await write(db, 'half')).toBe(1);
    expect(await words()).toEqual(['half']);
  });

  it('is probed by PostgreSQL, too, which frees its place within twice the time after which it is first probed', async () => {
    await using postgres = openPostgres({ ...database.address, keepAliveMs: 30_000 });
    // What holds now is 0, as on every unix socket.
    const wanted = await postgres.query(
      `select name, reset_val, source from pg_settings where name like 'tcp_keepalives%' order by name`,
    );

    expect(wanted).toEqual([
      { name: 'tcp_keepalives_count', reset_val: '3', source: 'client' },
      { name: 'tcp_keepalives_idle', reset_val: '30', source: 'client' },
      { name: 'tcp_keepalives_interval', reset_val: '10', source: 'client' },
    ]);
  });

  it('is told from a transaction that may take as long as it needs', async () => {
    await using postgres = openPostgres({ ...database.address, statementTimeoutMs: 50, answerTimeoutMs: 1 });
    const counted = postgres.transaction(
      (within) => within.transaction((nested) => nested.query('select 1 as one from pg_sleep(0.2)')),
      { isUnhurried: true },
    );

    expect(await counted).toEqual([{ one: 1 }]);
    await expect(postgres.query('select pg_sleep(60)')).rejects.toBeInstanceOf(OperatorError);
  });
});

describe('a transaction without a next statement', () => {
  const open = () =>
    openPostgres({
      ...database.address,
      applicationName: 'standing',
      statementTimeoutMs: 500,
      answerTimeoutMs: 100,
    });
  const sessions = (condition: string) =>
    db.query(`select from pg_stat_activity where application_name = 'standing' and ${condition}`);
  const stoodStill = (interval: string) =>
    vi.waitFor(async () => {
      const still = `state = 'idle in transaction' and now() - state_change > '${interval}'`;
      expect(await sessions(still)).toHaveLength(1);
    }, 5_000);
  const ended = () => vi.waitFor(async () => expect(await sessions('true')).toEqual([]), 5_000);

  it('is undone by PostgreSQL once an answer would not be waited for any longer, and says so', async () => {
    await using postgres = open();
    const failing = postgres.transaction(async (within) => {
      await write(within, 'half');
      await ended();
      await write(within, 'done');
    });

    await expect(failing).rejects.toMatchObject({ code: 'timed-out', field: 'POSTGRES_ANSWER_TIMEOUT' });
    expect(await words()).toEqual([]);
    expect(await postgres.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('stays where it may take as long as it needs', async () => {
    await using postgres = open();
    await postgres.transaction(
      async (within) => {
        await write(within, 'half');
        await stoodStill('700 ms');
        await write(within, 'done');
      },
      { isUnhurried: true },
    );

    expect(await words()).toEqual(['done', 'half']);
  });

  it('stays for as long as its answers are waited for where that is said', async () => {
    await using postgres = open();
    const failing = postgres.transaction(
      async (within) => {
        await write(within, 'half');
        const asked = await within.query(
          `select current_setting('idle_in_transaction_session_timeout') as ms`,
        );
        expect(asked).toEqual([{ ms: '700ms' }]);
        await ended();
        await write(within, 'done');
      },
      { isUnhurried: true, answerWithinMs: 700 },
    );

    await expect(failing).rejects.toMatchObject({ field: 'POSTGRES_ANSWER_TIMEOUT' });
    expect(await words()).toEqual([]);
  });
});

describe('an operator is told what to check', () => {
  it.each([
    ['a port where nobody listens', { host: '127.0.0.1', port: 1 }, 'unreachable', 'POSTGRES_HOST'],
    ['a socket that is not there', { host: '/nowhere' }, 'unreachable', 'POSTGRES_HOST'],
    ['a host without an address', { host: 'postgres.invalid' }, 'unreachable', 'POSTGRES_HOST'],
    ['a wrong password', { password: new Secret('guess') }, 'access-denied', 'POSTGRES_PASSWORD'],
    ['an unknown role', { user: 'stranger' }, 'access-denied', 'POSTGRES_PASSWORD'],
    ['a database that does not exist', { database: 'nothing' }, 'unreachable', 'POSTGRES_DATABASE'],
  ])('with %s', async (_, wrong, code, field) => {
    await using postgres = openPostgres({ ...database.address, ...wrong });

    const failed = { code, field, hint: expect.stringContaining('mailctl') };
    await expect(postgres.query('select 1')).rejects.toMatchObject(failed);
    await expect(postgres.transaction((within) => within.query('select 1'))).rejects.toMatchObject(failed);
  });

  it('when the server accepts and then says nothing', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const wrong = { host: '127.0.0.1', port: portOf(silent), connectTimeoutMs: 50 };
    await using postgres = openPostgres({ ...database.address, ...wrong });

    await expect(postgres.query('select 1')).rejects.toMatchObject({ code: 'unreachable' });
    silent.close();
  });

  it('when every connection is in use for longer than a new one may take', async () => {
    await using postgres = openPostgres({ ...database.address, poolSize: 1, connectTimeoutMs: 1_000 });

    await postgres.transaction(async () => {
      await expect(postgres.query('select 1')).rejects.toMatchObject({
        code: 'unreachable',
        field: 'POSTGRES_POOL_SIZE',
      });
    });
  });

  it('when a statement takes longer than it may, which ends it', async () => {
    await using postgres = openPostgres({ ...database.address, statementTimeoutMs: 50 });

    await expect(postgres.query('select pg_sleep(60)')).rejects.toMatchObject({
      code: 'timed-out',
      field: 'POSTGRES_STATEMENT_TIMEOUT',
      message: expect.stringContaining('50 ms'),
    });
    expect(await postgres.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('when the server has no connection left', async () => {
    const user = `full_${database.address.database}`;
    await db.query(`create role ${user} login password 'known' connection limit 0`);
    await using postgres = openPostgres({ ...database.address, user, password: new Secret('known') });

    await expect(postgres.query('select 1')).rejects.toMatchObject({
      code: 'unreachable',
      field: 'POSTGRES_POOL_SIZE',
    });
    await db.query(`drop role ${user}`);
  });

  it('when another process holds a lock for longer than one may wait', async () => {
    await db.transaction(async (holder) => {
      await holder.query('lock table notes');
      await using postgres = openPostgres(database.address);
      const waiting = postgres.transaction(async (within) => {
        await within.query(`set local lock_timeout = '20ms'`);
        await within.query('select * from notes');
      });
      await expect(waiting).rejects.toMatchObject({ code: 'locked' });
    });
  });

  it.each([
    ['has no room on its disk', '53100', 'unreachable', 'no file can grow'],
    ['has no memory left', '53200', 'unreachable', 'no file can grow'],
    ['cannot read a file of its own', '58030', 'unreachable', 'no file can grow'],
    ['finds a page damaged', 'XX001', 'unreachable', 'no file can grow'],
    ['is ended by its administrator in the middle', '57P05', 'unreachable', 'cannot be reached'],
    ['undoes what collided with another transaction', '40001', 'locked', 'collided'],
  ])('when PostgreSQL %s', async (_, state, code, said) => {
    const failing = `do $$ begin raise exception 'no file can grow' using errcode = '${state}'; end $$`;
    const failed = { code, message: expect.stringContaining(said) };

    await expect(db.query(failing)).rejects.toMatchObject(failed);
    await expect(db.transaction((within) => within.query(failing))).rejects.toMatchObject(failed);
  });

  it('when a statement needs more room on the disk than there is for it', async () => {
    const sorting = db.transaction(async (within) => {
      await within.query('set local work_mem = 64; set local temp_file_limit = 64');
      await within.query(
        'select from (select n from generate_series(1, 100000) n order by n::text) sorted offset 99999',
      );
    });

    await expect(sorting).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('temp_file_limit'),
      hint: expect.stringContaining('disk'),
    });
  });

  it('when two transactions wait for each other, one of which goes on', async () => {
    await write(db, 'one');
    await write(db, 'two');
    const change = (within: Database, word: string) =>
      within.query('update notes set word = word where word = $1', [word]);
    const order = openTurns(2);
    const crossing = (first: string, second: string) =>
      db.transaction(async (within) => {
        await change(within, first);
        await order();
        await change(within, second);
      });

    const ends = await Promise.allSettled([crossing('one', 'two'), crossing('two', 'one')]);
    expect(ends.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(ends.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'locked' } });
  });

  it('when PostgreSQL takes no writes, and goes on over a new connection, which may lead to another one', async () => {
    await using postgres = openPostgres({ ...database.address, poolSize: 1 });
    const backend = async () => (await postgres.query('select pg_backend_pid() as pid'))[0]?.['pid'];
    const failed = {
      code: 'unreachable',
      field: 'POSTGRES_HOST',
      message: expect.stringContaining('writes'),
    };
    for (const failing of [
      () => write(postgres, 'one'),
      () => postgres.transaction((within) => write(within, 'one')),
    ]) {
      await postgres.query('set default_transaction_read_only = on');
      const before = await backend();
      await expect(failing()).rejects.toMatchObject(failed);
      expect(await backend()).not.toBe(before);
    }
    expect(await write(postgres, 'one')).toBe(1);
  });

  it('without the password in any word of it', async () => {
    const password = new Secret('do-not-print-me');
    await using postgres = openPostgres({ ...database.address, password } satisfies PostgresAddress);

    const error = await postgres.query('select 1').catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(Error);
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('do-not-print-me');
  });
});

it('counts the rows that a statement changed, and none for one that changes nothing', async () => {
  await write(db, 'one');
  await write(db, 'two');

  expect(await db.change('update notes set word = word || $1', ['!'])).toBe(2);
  expect(await db.change('delete from notes where false')).toBe(0);
  expect(await words()).toEqual(['one!', 'two!']);
});

async function kill(victim: Database, survivor: Database): Promise<void> {
  const [row] = await victim.query<{ pid: number }>('select pg_backend_pid() as pid');
  await survivor.query('select pg_terminate_backend($1)', [row?.pid]);
  await vi.waitFor(async () => {
    const left = await survivor.query('select 1 from pg_stat_activity where pid = $1', [row?.pid]);
    expect(left).toEqual([]);
  }, 5_000);
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

/** Lets nobody go on before so many have come. */
function openTurns(count: number): () => Promise<void> {
  let come = 0;
  return async () => {
    come += 1;
    await vi.waitFor(() => expect(come).toBe(count), 5_000);
  };
}
