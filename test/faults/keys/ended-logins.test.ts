import { afterAll, beforeAll, expect, it } from 'vitest';

import { mariadbAt } from '../../../src/adapters/mariadb.ts';
import { openPostgres } from '../../../src/adapters/postgres.ts';
import { systemRandom } from '../../../src/adapters/random.ts';
import { scramVerifier } from '../../../src/domain/scram.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { endLogin, makeLogin } from '../../../src/store/login-roles.ts';
import { copyUser, dropUser } from '../../../src/store/postal/login-users.ts';
import { postalDatabases, type TestPostal } from '../../engines/postal-databases.ts';
import { testDatabase } from '../../engines/postgres.ts';
import { type MariadbLogins, mariadbLogins } from './mariadb-logins.ts';

let stores: TestPostal;
let logins: MariadbLogins;
beforeAll(async () => {
  stores = await postalDatabases();
  logins = await mariadbLogins(stores);
});
afterAll(async () => {
  await logins[Symbol.asyncDispose]();
  await stores[Symbol.asyncDispose]();
});

it('a login at MariaDB that is ended takes with it whoever is connected with it, and nobody else', async () => {
  const { administrator, backup } = logins;
  const password = new Secret(systemRandom.letters(32));
  const thief = { ...backup, user: `${backup.user}_a`, password };
  await mariadbAt(administrator).session((session) =>
    copyUser(session, { from: backup.user, to: thief.user, password }),
  );
  const other = mariadbAt(backup).session(async (rightful) =>
    mariadbAt(thief).session(async (session) => {
      await session.query('select 1 as one');
      for (let turn = 0; turn < 2; turn += 1)
        await mariadbAt(administrator).session((admin) => dropUser(admin, thief.user));
      await expect(session.query('select 1 as one')).rejects.toThrow(/killed|closed|lost/i);
      return rightful.query('select 1 as one');
    }),
  );
  expect(await other).toEqual([{ one: 1 }]);
});

it.each(['owner', 'other'] as const)(
  'a login at PostgreSQL that is ended takes with it whoever is connected with it (%s)',
  async (which) => {
    await using database = await testDatabase();
    const owner = `owner_${systemRandom.letters(8)}`;
    await database.db.query(`create role ${owner} login password 'at first'`);
    const role = which === 'owner' ? owner : `${owner}_a`;
    const password = new Secret(which === 'owner' ? 'at first' : 'the second');
    if (which === 'other')
      await makeLogin(database.db, role, owner, scramVerifier(password, systemRandom.bytes(16)));
    await using thief = openPostgres({ ...database.address, user: role, password, poolSize: 1 });
    const held = thief.transaction(async (within) => {
      await within.query('select 1');
      for (let turn = 0; turn < 2; turn += 1) await endLogin(database.db, role, owner);
      await within.query('select 1');
    });

    await expect(held).rejects.toMatchObject({ message: expect.stringMatching(/\S/) });
    await expect(thief.query('select 1')).rejects.toMatchObject({ code: 'access-denied' });
    await database.db.query(`drop role if exists ${owner}`);
  },
);
