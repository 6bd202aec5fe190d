import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { Part, TableRows } from '../../../src/domain/backup-set.ts';
import { temporaryFolder } from '../../cli/folders.ts';
import { putAge } from './age-tool.ts';
import { type OtherHost, otherHost } from './other-host.ts';
import { confirmed, type RestoreScene, restoreScene } from './restore-scene.ts';
import { linesIn, runbook, shellIn } from '../runbooks.ts';
import { awkward, manifestOf } from './scene.ts';

let host: OtherHost;
let scene: RestoreScene;
beforeAll(async () => {
  host = await otherHost();
});
afterAll(() => host[Symbol.asyncDispose]());
beforeEach(async () => {
  scene = await restoreScene();
});
afterEach(() => scene[Symbol.asyncDispose]());

const root = join(import.meta.dirname, '../../..');

/** Those of README's section on a new host. */
function documented(): readonly (readonly string[])[] {
  const section = /### On a new host\n(.*?)\n##/s.exec(readFileSync(join(root, 'README.md'), 'utf8'))?.[1];
  return linesIn(section ?? '');
}

/** Tells `.env` where the databases are here. */
function edit(path: string): void {
  const changed = Object.entries(host.variables).reduce(
    (text, [name, value]) => text.replace(new RegExp(`^${name}=.*`, 'm'), `${name}=${value}`),
    readFileSync(path, 'utf8'),
  );
  writeFileSync(path, changed, { mode: 0o600 });
}

/** The user of the databases' own tools, which the stack makes at its first start. */
async function makeDumper(): Promise<void> {
  const env = readFileSync(join(scene.dir, '.env'), 'utf8');
  const user = /^BACKUP_MARIADB_USER=(.*)$/m.exec(env)?.[1];
  const password = awkward.replaceAll(/[\\']/g, String.raw`\$&`);
  await host.inMariadb(`create user ${user}@localhost identified by '${password}'`);
  await host.inMariadb(`grant all on *.* to ${user}@localhost`);
}

/** Rows on the other host of every table in the set. */
async function rowsThere(parts: readonly Part[]): Promise<readonly TableRows[]> {
  const found: TableRows[] = [];
  for (const { kind, tables } of parts)
    for (const { database, table } of tables) {
      const [row] =
        kind === 'postgres'
          ? await host.inPostgres(database, (db) => db.query(`select count(*) as rows from ${table}`))
          : await host.inMariadb(`select count(*) as \`rows\` from \`${database}\`.\`${table}\``);
      found.push({ database, table, rows: Number(row?.['rows']) });
    }
  return found;
}

const tablesOf = (parts: readonly Part[]) => parts.flatMap(({ tables }) => tables);

describe('on another host', { timeout: 180_000 }, () => {
  it('an empty folder, a set and the escrow key are enough, by the lines of README', async () => {
    const [known, sent] = [await scene.mail(), await scene.mail()];
    await scene.atPostal(31, sent);
    await scene.delivered(31);
    await scene.setState(sent, 'delivered');
    const { data } = await scene.backup('run');
    const id: string = data.set.id;
    using fresh = temporaryFolder();
    using tools = temporaryFolder();
    mkdirSync(join(fresh.path, 'backups'));
    cpSync(join(scene.shelf, id), join(fresh.path, 'backups', id), { recursive: true });
    cpSync(scene.escrow, join(fresh.path, 'escrow.key'));
    await makeDumper();
    await putAge(tools.path);
    const run = await shellIn(fresh.path, tools.path, { ID: id, DOMAIN: 'example.com' });

    const [opening = [], restoring = []] = documented();
    for (const line of opening) await run(line);
    edit(join(fresh.path, '.env'));
    // Nobody on the new host sees what relays keep: the restore says so with its exit code.
    for (const line of restoring) await run(line, line.includes('backup restore') ? 3 : 0);
    expect(restoring.join('\n')).toMatch(/backup restore .*\n.*backup commit/s);

    const { parts } = manifestOf(scene, id) as { readonly parts: readonly Part[] };
    expect(await rowsThere(parts)).toEqual(tablesOf(parts));
    expect(await run(`mailctl queue show ${known} --json`)).toContain('"held"');
  });

  it('the runbook has the lines of README', () => {
    expect(runbook('restore-on-a-new-host')).toEqual(documented());
  });

  it('a file says where the databases are, and this host stays as it is', async () => {
    const known = await scene.mail();
    const { data } = await scene.backup('run');
    const id: string = data.set.id;
    await makeDumper();
    const later = await scene.mail();
    const file = join(scene.tools, 'there.env');
    const lines = Object.entries(host.variables).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(file, lines.slice(0, 4).join(''), { mode: 0o600 });
    const to = ['--to', file];
    expect(await scene.backup('restore', id, ...to)).toMatchObject({
      exit: 2,
      error: { message: expect.stringContaining('POSTAL_DB_HOST') },
    });
    writeFileSync(file, lines.join(''), { mode: 0o600 });

    const restored = await scene.backup('restore', id, ...to, ...confirmed);
    expect(restored.error).toBeUndefined();
    expect(existsSync(join(scene.dir, 'state/restore.json'))).toBe(false);
    expect(await scene.backup('commit', id, ...confirmed)).toMatchObject({ exit: 2 });
    expect(await scene.backup('commit', id, ...to, ...confirmed)).toMatchObject({ exit: 21 });
    const committed = await scene.backup('commit', id, ...to, ...confirmed, '--relays-shipped');
    expect(committed.error).toBeUndefined();
    const { parts } = manifestOf(scene, id) as { readonly parts: readonly Part[] };
    expect(await rowsThere(parts)).toEqual(tablesOf(parts));
    const there = await host.inPostgres(scene.database.address.database, (db) =>
      db.query<{ id: string; state: string }>('select message_id as id, state from recipients'),
    );
    expect(there.map((row) => row.id)).not.toContain(later);
    expect(there).toContainEqual({ id: known, state: 'held' });
    expect(await scene.states()).toMatchObject({ [known]: 'queued', [later]: 'queued' });
  });
});

describe('after a loss on this host', { timeout: 180_000 }, () => {
  it('the lines of the runbook bring everything back', async () => {
    const known = await scene.mail();
    const { data } = await scene.backup('run');
    await scene.inPostgres((db) => db.query('drop table messages, recipients cascade'));
    await scene.postal.run(`drop table \`${scene.postal.messages}\`.messages`);
    using tools = temporaryFolder();
    const run = await shellIn(scene.dir, tools.path, { ID: data.set.id, DOMAIN: 'example.com' });
    const lines = runbook('restore-after-loss').flat();
    expect(lines).toHaveLength(6);
    await scene.alone(async () => {
      for (const line of lines) {
        await run(line);
        await scene.relayShips();
      }
    });
    const { parts } = manifestOf(scene, data.set.id) as { readonly parts: readonly Part[] };
    const rows = parts.flatMap(({ tables }) => tables).filter(({ table }) => table === 'messages');
    const [ours] = await scene.inPostgres((db) => db.query('select count(*)::int as rows from messages'));
    const [theirs] = await scene.postal.run(
      `select count(*) as \`rows\` from \`${scene.postal.messages}\`.messages`,
    );
    expect([ours?.['rows'], Number(theirs?.['rows'])]).toEqual(rows.map((row) => row.rows));
    expect((await scene.states())[known]).toBe('held');
  });
});
