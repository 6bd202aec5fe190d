import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { Part } from '../../../src/domain/backup-set.ts';
import { startMariadbEngine } from '../../engines/mariadb-engine.ts';
import type { MariadbAddress } from '../../engines/mariadb.ts';
import { startPostgresEngine } from '../../engines/postgres-engine.ts';
import { haltDump } from './halted-dump.ts';
import { backupScene, manifestOf, type Scene } from './scene.ts';

let engines: readonly Awaited<ReturnType<typeof startPostgresEngine>>[];
let scene: Scene;
beforeEach(async () => {
  const binlog = ['--log-bin=binlog', '--binlog-format=statement', '--server-id=1'];
  engines = await Promise.all([startPostgresEngine(), startMariadbEngine(binlog)]);
  const [postgres, mariadb] = engines.map(({ address }) => address);
  scene = await backupScene({ BACKUP_TIMEOUT: '20s' }, { postgres, mariadb: mariadb as MariadbAddress });
}, 120_000);
afterEach(async () => {
  await scene[Symbol.asyncDispose]();
  await Promise.all(engines.map(({ stop }) => stop()));
});

const listed = async () => (await scene.backup('list')).data.sets.map(({ id }: { id: string }) => id);
const drafts = () => readdirSync(scene.shelf).filter((name) => name.endsWith('.partial'));

/** Writes to both databases without a pause until it is ended; tells how many rows each got. */
function writers() {
  const over = new AbortController();
  const write = async (insert: (n: number) => Promise<unknown>) => {
    let rows = 0;
    for (; !over.signal.aborted; rows += 1) await insert(rows);
    return rows;
  };
  const written = Promise.all([
    write((n) => scene.database.db.query('insert into live values ($1)', [n])),
    write((n) => scene.postal.run('insert into live values (?)', [n])),
  ]);
  return {
    end: () => {
      over.abort();
      return written;
    },
  };
}

async function lsn(): Promise<string> {
  const [row] = await scene.database.db.query<{ lsn: string }>('select pg_current_wal_lsn()::text as lsn');
  return row?.lsn ?? '';
}

describe('a set of servers that are written to all the time', { timeout: 240_000 }, () => {
  it('holds of MariaDB what the binlog has up to its position, and names where the WAL stood', async () => {
    await scene.database.db.query('create table live (n int primary key)');
    await scene.postal.run('create table live (n int primary key)');
    const before = await lsn();
    const writing = writers();
    const { error, data } = await scene.backup('run');
    const [ofPostgres, ofMariadb] = await writing.end();
    const after = await lsn();

    expect(error).toBeUndefined();
    const { parts } = manifestOf(scene, data.set.id) as { readonly parts: readonly Part[] };
    const partOf = (store: string) => parts.find(({ kind }) => kind === store);
    const rowsOf = (store: string) => partOf(store)?.tables.find(({ table }) => table === 'live')?.rows ?? 0;
    const [, file, end, gtid] =
      /^(binlog\.\d+):(\d+) gtid (\d+-1-\d+)$/.exec(partOf('mariadb')?.position ?? '') ?? [];
    const events = await scene.postal.run(`show binlog events in '${file}' limit 1000000`);
    const inserts = events.filter(
      ({ Info: info, End_log_pos: pos }) =>
        String(info).includes('insert into live') && Number(pos) <= Number(end),
    );
    expect(rowsOf('mariadb')).toBe(inserts.length);
    expect(rowsOf('mariadb')).toBeLessThanOrEqual(ofMariadb);
    expect(rowsOf('postgres')).toBeLessThanOrEqual(ofPostgres);
    expect(gtid).toBeDefined();
    const [order] = await scene.database.db.query(
      'select $1::pg_lsn <= $2::pg_lsn and $2::pg_lsn <= $3::pg_lsn as good',
      [before, partOf('postgres')?.position ?? '', after],
    );
    expect(order?.['good']).toBe(true);

    const verified = await scene.backup('verify', '--restore');
    expect(verified.error).toBeUndefined();
  });
});

describe('a backup whose server dies half-way', { timeout: 240_000 }, () => {
  it('of PostgreSQL keeps nothing, says so, and leaves the set before as it was', async () => {
    await scene.backup('run');
    const before = await listed();
    await scene.database.db.query(
      `insert into bodies (message_id, day, raw) select 'b' || g, current_date, convert_to(repeat(md5(g::text), 30000), 'UTF8') from generate_series(1, 12) g`,
    );
    const [pid = 0] = await postgresProcesses();
    await scene.hangUp();
    const dump = haltDump(scene, 'pg_dump');
    const running = scene.process('backup', 'run');
    await dump.halted();
    process.kill(pid, 'SIGQUIT');
    dump.go();
    const { exit, out } = await running.ended;

    expect({ exit, drafts: drafts(), said: JSON.parse(out).error }).toEqual({
      exit: 13,
      drafts: [],
      said: expect.objectContaining({ message: expect.stringMatching(/pg_dump|PostgreSQL/) }),
    });
    expect(await listed()).toEqual(before);
  });

  it('of MariaDB keeps nothing, says so, and leaves the set before as it was', async () => {
    await scene.backup('run');
    const before = await listed();
    await scene.postal.run(
      `insert into \`${scene.postal.messages}\`.\`raw-2026-11-23\` (data) select repeat('x', 200000) from seq_1_to_60`,
    );
    const pid = await mariadbProcess();
    const dump = haltDump(scene, 'mariadb-dump');
    const running = scene.process('backup', 'run');
    await dump.halted();
    process.kill(pid, 'SIGKILL');
    dump.go();
    const { exit, out } = await running.ended;

    expect({ exit, drafts: drafts(), said: JSON.parse(out).error }).toEqual({
      exit: 13,
      drafts: [],
      said: expect.objectContaining({ message: expect.stringMatching(/mariadb-dump|MariaDB/) }),
    });
    expect(await listed()).toEqual(before);
  });
});

describe(
  'a backup whose server is frozen half-way, and neither answers nor hangs up',
  { timeout: 240_000 },
  () => {
    it.each(['pg_dump', 'mariadb-dump'] as const)(
      'gives up %s within BACKUP_TIMEOUT, keeps nothing, and leaves the set before as it was',
      async (client) => {
        await scene.backup('run');
        const before = await listed();
        await fillFor(client);
        const pids = client === 'pg_dump' ? await postgresProcesses() : [await mariadbProcess()];
        await scene.hangUp();
        const dump = haltDump(scene, client);
        const running = scene.process('backup', 'run');
        await dump.halted();
        const frozen = [...pids, ...(client === 'pg_dump' ? await backendsOf(pids) : [])];
        for (const pid of frozen) process.kill(pid, 'SIGSTOP');
        try {
          dump.go();
          const { exit, out } = await running.ended;
          expect({ exit, drafts: drafts(), said: JSON.parse(out).error }).toEqual({
            exit: 14,
            drafts: [],
            said: expect.objectContaining({ code: 'timed-out' }),
          });
        } finally {
          for (const pid of frozen) process.kill(pid, 'SIGCONT');
        }
        expect(await listed()).toEqual(before);
      },
    );
  },
);

/** More rows than fit into the buffers between a server and what reads from it. */
async function fillFor(client: 'pg_dump' | 'mariadb-dump'): Promise<void> {
  if (client === 'pg_dump')
    await scene.database.db.query(
      `insert into bodies (message_id, day, raw) select 'f' || g, current_date, convert_to(repeat(md5(g::text), 30000), 'UTF8') from generate_series(1, 60) g`,
    );
  else
    await scene.postal.run(
      `insert into \`${scene.postal.messages}\`.\`raw-2026-11-23\` (data) select repeat('x', 400000) from seq_1_to_120`,
    );
}

/** The first process of PostgreSQL. */
async function postgresProcesses(): Promise<readonly number[]> {
  const [place] = await scene.database.db.query('select current_setting($1) as data', ['data_directory']);
  return [Number(readFileSync(join(String(place?.['data']), 'postmaster.pid'), 'utf8').split('\n')[0])];
}

/** Its children, of which each serves one connection. */
async function backendsOf([parent]: readonly number[]): Promise<readonly number[]> {
  const ids = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').split(' ').filter(Boolean);
  return ids.map(Number);
}

async function mariadbProcess(): Promise<number> {
  const [server] = await scene.postal.run('select @@pid_file as path, @@datadir as data');
  return Number(readFileSync(resolve(String(server?.['data']), String(server?.['path'])), 'utf8'));
}
