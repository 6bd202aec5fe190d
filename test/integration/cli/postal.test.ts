import { expect, it } from 'vitest';

import { postalKeyFor } from '../../../src/domain/postal-key.ts';
import { postalDatabases, type TestPostal } from '../../engines/postal-databases.ts';
import { testDatabase } from '../../engines/postgres.ts';
import { runInProcess } from '../../fakes/terminal.ts';
import { submit } from '../../store/submit.ts';
import { folderFor, runJson } from './database-folder.ts';

const access = ({ reader, names }: TestPostal) => ({
  POSTAL_API_KEY: names.apiKey.reveal(),
  POSTAL_DB_HOST: reader.host,
  POSTAL_DB_USER: reader.user,
  POSTAL_DB_PASSWORD: reader.password.reveal(),
  POSTAL_DB_NAME: names.main,
  POSTAL_DB_MESSAGE_PREFIX: names.messagePrefix,
});

const link = 'https://acme.test/offer?of=42';

/** A message of ours that Postal delivered an hour ago, that was opened and clicked, and of which no webhook came. */
async function unheard(postal: TestPostal, id: string): Promise<void> {
  const hourAgo = Math.floor(Date.now() / 1000) - 3600;
  await postal.run(
    `insert into \`${postal.messages}\`.messages (id, token, scope, rcpt_to, mail_from, timestamp, status)
     values (41, 'abcdefghijkl0123', 'outgoing', 'ann@example.test', ?, ?, 'Sent')`,
    [`${postalKeyFor(id)}@mail.acme.test`, hourAgo],
  );
  await postal.run(
    `insert into \`${postal.messages}\`.deliveries (message_id, status, details, output, timestamp) values (41, 'Sent', 'taken', '250 ok', ?)`,
    [hourAgo + 1],
  );
  await postal.run(
    `insert into \`${postal.messages}\`.loads (message_id, ip_address, user_agent, timestamp) values (41, '192.0.2.7', 'Mail', ?)`,
    [hourAgo + 2],
  );
  await postal.run(
    `insert into \`${postal.messages}\`.links (id, message_id, token, url, timestamp) values (7, 41, 'linktokn', ?, ?)`,
    [link, hourAgo],
  );
  await postal.run(
    `insert into \`${postal.messages}\`.clicks (message_id, link_id, ip_address, user_agent, timestamp) values (41, 7, '192.0.2.7', 'Mail', ?)`,
    [hourAgo + 3],
  );
}

it('stores what no webhook told after a look, once, and says what it was', async () => {
  await using database = await testDatabase();
  await using postal = await postalDatabases();
  using folder = folderFor(database, access(postal));
  const id = await submit(database.db);
  await unheard(postal, id);

  const look = await runJson(folder, 'postal', 'reconcile', '--dry-run');
  const untouched = await database.db.query('select from events where postal_uuid is not null');
  const act = await runJson(folder, 'postal', 'reconcile');
  const again = await runJson(folder, 'postal', 'reconcile', '--since', '2h');

  expect(look.data).toMatchObject({ applied: false, changed: 3 });
  expect(look.data.events).toEqual({ delivered: 1, opened: 1, clicked: 1 });
  expect(look.data.plan.steps).toMatchObject([{ do: 'store-events' }]);
  expect(untouched).toEqual([]);
  expect(act.data).toMatchObject({ applied: true, changed: 3 });
  expect(again.data).toMatchObject({ applied: true, changed: 0, plan: { steps: [] } });
  const { data } = await runJson(folder, 'trace', id);
  expect(data.message).toMatchObject({ state: 'delivered', recipients: [{ opens: 1, clicks: 1 }] });
  expect(await database.db.query(`select detail->>'url' as url from events where kind = 'clicked'`)).toEqual([
    { url: link },
  ]);
});

it('names the variables that give access to the databases, and refuses what is no duration', async () => {
  await using database = await testDatabase();
  using folder = folderFor(database);

  const blind = await runJson(folder, 'postal', 'reconcile');
  const odd = await runJson(folder, 'postal', 'reconcile', '--since', 'yesterday');

  expect(blind).toMatchObject({ exit: 10, error: { code: 'config-invalid', field: 'POSTAL_DB_HOST' } });
  expect(odd).toMatchObject({ exit: 2, error: { field: '--since' } });
});

it('says which grant is missing, and changes nothing', async () => {
  await using database = await testDatabase();
  await using postal = await postalDatabases();
  using folder = folderFor(database, access(postal));
  await postal.run(`revoke select on \`${postal.messages}\`.loads from ${postal.reader.user}@localhost`);

  const { exit, out, err } = await runInProcess(['-C', folder.path, 'postal', 'reconcile']);

  expect({ exit, out }).toEqual({ exit: 12, out: '' });
  expect(err).toContain('it may select');
});
