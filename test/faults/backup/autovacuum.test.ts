import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openPostgres, type Postgres } from '../../../src/adapters/postgres.ts';
import { connectedTo, hasDatabase, renameDatabase } from '../../../src/store/restore.ts';
import { type TestDatabase, testDatabase } from '../../engines/postgres.ts';
import { startPostgresEngine } from '../../engines/postgres-engine.ts';
import { until } from '../../store/until.ts';

let engine: Awaited<ReturnType<typeof startPostgresEngine>>;
let busy: TestDatabase;
let server: Postgres;
beforeEach(async () => {
  engine = await startPostgresEngine();
  busy = await testDatabase(engine.address);
  server = openPostgres({ ...busy.address, database: 'postgres' });
}, 120_000);
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await engine.stop();
});

/** Leaves an autovacuum worker at work in a database for longer than a test takes. */
async function slowAutovacuum(): Promise<void> {
  await server.query('alter system set autovacuum_naptime = 1');
  await server.query('select pg_reload_conf()');
  const slowly = 'autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1';
  await busy.db.query(
    `create table rows_to_sweep with (${slowly}) as select repeat('x', 500) from generate_series(1, 50000)`,
  );
  await busy.db.query('delete from rows_to_sweep');
  await until(largeVacuums, (rows) => rows.length > 0, 60_000);
}

/** Those of the large table: a worker that looks at a new database or sweeps a catalogue is soon gone. */
function largeVacuums() {
  return server.query(
    'select pid from pg_stat_progress_vacuum where datname = $1 and heap_blks_total > 1000',
    [busy.address.database],
  );
}

describe('a database in which autovacuum is at work', { timeout: 120_000 }, () => {
  it('is used by nobody, and can be swapped', async () => {
    const { database } = busy.address;
    await slowAutovacuum();
    await busy.db[Symbol.asyncDispose]();
    await until(
      () => connectedTo(server, database),
      (names) => names.length === 0,
    );
    expect(await largeVacuums()).toHaveLength(1);

    await renameDatabase(server, database, 'swapped');
    expect(await hasDatabase(server, 'swapped')).toBe(true);
  });
});
