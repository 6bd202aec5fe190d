import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { systemRandom } from '../../src/adapters/random.ts';
import { mariadbAddress } from '../engines/mariadb.ts';
import { postalDatabases, type TestPostal } from '../engines/postal-databases.ts';
import { testDatabase, type TestDatabase } from '../engines/postgres.ts';
import { folderFor, runJson } from '../integration/cli/database-folder.ts';

let postal: TestPostal;
let database: TestDatabase;
let folder: ReturnType<typeof folderFor>;
const user = `r_${systemRandom.letters(12)}`;
const password = systemRandom.letters(24);
const today = new Date().toISOString().slice(0, 10);

beforeEach(async () => {
  [postal, database] = [await postalDatabases(), await testDatabase()];
  await postal.run(
    `insert into servers (id, permalink, raw_message_retention_days, raw_message_retention_size, deleted_at)
     values (7, 'outbound', 30, 2048, null), (8, 'gone', 1, 1, utc_timestamp())`,
  );
  await postal.run(`create user ${user}@localhost identified by '${password}'`);
  for (const name of [postal.names.main, postal.messages])
    await postal.run(`grant select on \`${name}\`.* to ${user}@localhost`);
  folder = folderFor(database, {
    POSTAL_DB_HOST: (await mariadbAddress()).socketPath,
    POSTAL_DB_USER: user,
    POSTAL_DB_PASSWORD: password,
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

/** A queued message with its body in a table of so many bytes. */
async function queued(id: number, table: string | null, bytes = 1000): Promise<void> {
  await postal.run(`insert into \`${postal.messages}\`.messages (id, token, raw_table) values (?, 't', ?)`, [
    id,
    table,
  ]);
  await postal.run('insert into queued_messages (server_id, message_id) values (7, ?)', [id]);
  if (table === null) return;
  await postal.run(`insert into \`${postal.messages}\`.raw_message_sizes (table_name, size) values (?, ?)`, [
    table,
    bytes,
  ]);
}

const look = async (...words: string[]) => runJson(folder, 'postal', 'retention', ...words);

describe('mailctl postal retention', () => {
  it('is content while nothing that is queued loses its body', async () => {
    await queued(1, `raw-${today}`);
    const { exit, data } = await look();
    expect({ exit, ...data }).toMatchObject({
      exit: 0,
      servers: [{ id: 7, name: 'outbound', days: 30, queued: 1, at_risk: [], lost: 0 }],
    });
  });

  it('ends with 3 when bodies of queued mail take more than they may, or are gone, and publishes how many', async () => {
    await queued(1, `raw-${today}`, 3 * 1024 ** 3);
    await queued(2, null);
    const { exit, data } = await look('--publish');
    expect({ exit, ...data }).toMatchObject({
      exit: 3,
      servers: [{ at_risk: [{ table: `raw-${today}`, queued: 1, why: 'size' }], lost: 1 }],
    });
    const figures = await readFile(join(folder.path, 'state/runs/postal-retention.figures.json'), 'utf8');
    expect(JSON.parse(figures)).toMatchObject({
      figures: [
        { labels: { state: 'at_risk' }, value: 1 },
        { labels: { state: 'lost' }, value: 1 },
      ],
    });
  });

  it('ends with 3 when bodies of queued mail grow older than they may', async () => {
    await queued(1, 'raw-2020-02-29');
    const { exit, data } = await look();
    expect({ exit, ...data }).toMatchObject({
      exit: 3,
      servers: [{ at_risk: [{ table: 'raw-2020-02-29', queued: 1, why: 'days' }] }],
    });
  });
});
