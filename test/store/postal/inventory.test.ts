import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { expect, it } from 'vitest';

import { databaseInventory } from '../../../src/store/postal/inventory.ts';
import { postalDatabases, type TestPostal } from '../../engines/postal-databases.ts';

/** Every value that the statements select, in their order. */
async function inventory({ place, names }: TestPostal): Promise<readonly number[]> {
  const { socketPath, user, password } = place;
  const root = await createConnection({ socketPath, user, password, multipleStatements: true });
  const [results] = await root.query<RowDataPacket[][]>(databaseInventory(names.main, names.messagePrefix));
  await root.end();
  return results.flat().flatMap((row) => ('affectedRows' in row ? [] : Object.values(row).map(Number)));
}

it("counts Postal's tables, mail servers and written-down migrations, none where no table holds them", async () => {
  await using postal = await postalDatabases();
  expect(await inventory(postal)).toEqual([5, 1, 0]);

  await postal.run('create table schema_migrations (version varchar(255) primary key)');
  expect(await inventory(postal)).toEqual([6, 1, 0]);

  await postal.run("insert into schema_migrations values ('1'), ('2')");
  expect(await inventory(postal)).toEqual([6, 1, 2]);
});
