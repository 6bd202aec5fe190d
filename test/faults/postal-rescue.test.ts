import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { systemRandom } from '../../src/adapters/random.ts';
import { mariadbAddress } from '../engines/mariadb.ts';
import { postalDatabases, type TestPostal } from '../engines/postal-databases.ts';
import { testDatabase, type TestDatabase } from '../engines/postgres.ts';
import { startGroup } from '../engines/process-group.ts';
import { until } from './tls/until.ts';
import { folderFor, runJson } from '../integration/cli/database-folder.ts';

let postal: TestPostal;
let database: TestDatabase;
let folder: ReturnType<typeof folderFor>;
const user = `w_${systemRandom.letters(12)}`;
const password = systemRandom.letters(24);

beforeEach(async () => {
  [postal, database] = [await postalDatabases(), await testDatabase()];
  await postal.run(`create user ${user}@localhost identified by '${password}'`);
  for (const name of [postal.names.main, postal.messages])
    await postal.run(`grant all on \`${name}\`.* to ${user}@localhost`);
  folder = folderFor(database, {
    MARIADB_POSTAL_HOST: (await mariadbAddress()).socketPath,
    MARIADB_POSTAL_USER: user,
    MARIADB_POSTAL_PASSWORD: password,
    POSTAL_DB_NAME: postal.names.main,
    POSTAL_DB_MESSAGE_PREFIX: postal.names.messagePrefix,
  });
});
afterEach(async () => {
  await postal.run(`drop user ${user}@localhost`);
  folder[Symbol.dispose]();
  await database[Symbol.asyncDispose]();
  await postal[Symbol.asyncDispose]();
});

interface Mail {
  readonly locked: string | null;
  /** Minutes before now. */
  readonly delivered?: readonly [status: string, minutesAgo: number];
  readonly server?: number;
}

let lastId = 0;
const ago = (minutes: number) => `utc_timestamp(6) - interval ${minutes} minute`;

/** Queues a message as a worker that died left it. */
async function queued({ locked, delivered, server = 7 }: Mail): Promise<number> {
  lastId += 1;
  const id = lastId;
  await postal.run(
    `insert into \`${postal.messages}\`.messages (id, token, status) values (?, 't', 'Pending')`,
    [id],
  );
  await postal.run(
    `insert into queued_messages (server_id, message_id, locked_by, locked_at)
     values (?, ?, ?, ${locked ?? 'null'})`,
    [server, id, locked === null ? null : 'host:postal-worker pid:1 thread:1 ab'],
  );
  if (delivered)
    await postal.run(
      `insert into \`${postal.messages}\`.deliveries (message_id, status, timestamp)
       values (?, ?, unix_timestamp() - ? * 60)`,
      [id, delivered[0], delivered[1]],
    );
  return id;
}

async function webhook(uuid: string, locked: string): Promise<void> {
  await postal.run(
    `insert into webhook_requests (server_id, uuid, url, event, locked_by, locked_at)
     values (7, ?, 'http://api', 'MessageSent', 'host:postal-worker pid:1 thread:0', ${locked})`,
    [uuid],
  );
}

async function queue(): Promise<Readonly<Record<number, 'locked' | 'free'>>> {
  const rows = await postal.run('select message_id, locked_at is null as free from queued_messages');
  return Object.fromEntries(
    rows.map(({ message_id: id, free }) => [id, Number(free) === 1 ? 'free' : 'locked']),
  );
}

const rescue = (...words: string[]) => runJson(folder, 'postal', 'rescue', '--yes', ...words);
const moment = (minutesAgo: number) => new Date(Date.now() - minutesAgo * 60_000).toISOString();

describe('mail that a worker of Postal locked before it died', () => {
  it('is tried again, unless it was sent; what a running worker locked is left to it', async () => {
    const stuck = await queued({ locked: ago(60) });
    const sent = await queued({ locked: ago(60), delivered: ['Sent', 59] });
    const sentBefore = await queued({ locked: ago(60), delivered: ['Sent', 90] });
    const inHand = await queued({ locked: ago(5) });
    const waiting = await queued({ locked: null });
    const { exit, data } = await rescue('--before', moment(30));
    expect({ exit, ...data }).toMatchObject({
      exit: 0,
      applied: true,
      changed: 3,
      mail: { released: 2, settled: 1 },
      left: 1,
    });
    expect(await queue()).toEqual({
      [stuck]: 'free',
      [sentBefore]: 'free',
      [inHand]: 'locked',
      [waiting]: 'free',
    });
    const [row] = await postal.run(`select status from \`${postal.messages}\`.messages where id = ?`, [sent]);
    expect(row?.['status']).toBe('Sent');
  });

  it('is only named on a dry run', async () => {
    const stuck = await queued({ locked: ago(60) });
    const { data } = await rescue('--dry-run', '--before', moment(30));
    expect(data).toMatchObject({ applied: false, changed: 0 });
    expect(data.plan.steps).toMatchObject([{ do: 'release', what: expect.stringContaining('1 messages') }]);
    expect(await queue()).toEqual({ [stuck]: 'locked' });
  });

  it('stays locked when a restore locked it, whatever runs', async () => {
    const restored = await queued({ locked: 'utc_timestamp() + interval 10 year' });
    expect((await rescue('--before', moment(0))).data).toMatchObject({ changed: 0, left: 1 });
    expect(await queue()).toEqual({ [restored]: 'locked' });
  });

  it('is freed also where its mail server is gone, for Postal to see that', async () => {
    const orphan = await queued({ locked: ago(60), server: 99 });
    await rescue('--before', moment(30));
    expect(await queue()).toEqual({ [orphan]: 'free' });
  });

  it('is not touched where nobody can tell since when workers run', async () => {
    const stuck = await queued({ locked: ago(60) });
    const { exit, error } = await rescue();
    expect({ exit, error }).toMatchObject({ exit: 2, error: { field: '--before' } });
    expect((await rescue('--before', '2999-01-01T00:00:00Z')).exit).toBe(2);
    expect(await queue()).toEqual({ [stuck]: 'locked' });
  });

  it('needs a login that may write, and says which', async () => {
    await postal.run(`alter user ${user}@localhost identified by 'another'`);
    const { exit, error } = await rescue('--before', moment(30));
    expect({ exit, error }).toMatchObject({ exit: 12, error: { field: 'MARIADB_POSTAL_PASSWORD' } });
  });
});

describe('a webhook that a worker of Postal locked before it died', () => {
  it('is tried again, unless it was answered; Postal itself would leave it for ever', async () => {
    await webhook('stuck', ago(60));
    await webhook('answered', ago(60));
    await webhook('in-hand', ago(5));
    await postal.run(
      `insert into \`${postal.messages}\`.webhook_requests (uuid, status_code, timestamp)
       values ('answered', 200, unix_timestamp() - 3590), ('stuck', 503, unix_timestamp() - 3590)`,
    );
    const { data } = await rescue('--before', moment(30));
    expect(data).toMatchObject({ changed: 2, webhooks: { released: 1, settled: 1 }, left: 1 });
    const rows = await postal.run('select uuid, locked_at is null as free from webhook_requests order by id');
    expect(rows.map(({ uuid, free }) => [uuid, Number(free)])).toEqual([
      ['stuck', 1],
      ['in-hand', 0],
    ]);
  });
});

describe("Postal's worker", () => {
  it('writes down when it began, and is itself the process that gets SIGTERM', async () => {
    const run = await mkdtemp(join(tmpdir(), 'postal-run-'));
    const script = fileURLToPath(new URL('../../templates/postal/worker.sh', import.meta.url));
    const before = Math.floor(Date.now() / 1000);
    const program = `process.on('SIGTERM', () => { console.log('ended gracefully'); process.exit(0); }); setInterval(() => {}, 1e6); console.log('works');`;
    await using running = startGroup(['sh', script, process.execPath, '-e', program], { RUN_FOLDER: run });
    const ended = once(running.process, 'close');
    await until(() => running.said().includes('works'), running.said);
    process.kill(await running.pid(), 'SIGTERM');
    await ended;
    expect(running.said()).toContain('ended gracefully');
    const [name = ''] = await readdir(run);
    expect(name).toBe(`worker.${(await readFile('/etc/hostname', 'utf8')).trim()}`);
    expect(Number(await readFile(join(run, name), 'utf8'))).toBeGreaterThanOrEqual(before);
    await rm(run, { recursive: true });
  });

  it('is started also where that cannot be written down', async () => {
    const script = fileURLToPath(new URL('../../templates/postal/worker.sh', import.meta.url));
    await using running = startGroup(['sh', script, 'echo', 'works'], { RUN_FOLDER: '/nowhere' });
    await once(running.process, 'close');
    expect(running.said()).toContain('works');
    expect(running.said()).toContain('could not be written down');
  });
});
