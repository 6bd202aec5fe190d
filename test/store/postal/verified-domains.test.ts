import { expect, it } from 'vitest';

import { mariadbAt } from '../../../src/adapters/mariadb.ts';
import { verifiedDomains } from '../../../src/store/postal/verified-domains.ts';
import { postalDatabases } from '../../engines/postal-databases.ts';

it("tells the verified domains of the key's mail server and its organization, and nothing of one that was deleted", async () => {
  await using postal = await postalDatabases();
  const look = () => mariadbAt(postal.reader).session((session) => verifiedDomains(session, postal.names));
  expect(await look()).toBeUndefined();

  await postal.run('insert into servers (id, organization_id, allow_sender) values (7, 3, 1)');
  expect(await look()).toEqual({ names: new Set(), any: false, senderSuffices: true });

  await postal.run(
    `insert into domains (name, owner_type, owner_id, verified_at, use_for_any) values ('Acme.test', 'Server', 7, now(), null),
       ('org.test', 'Organization', 3, now(), 1), ('other.test', 'Organization', 7, now(), 1), ('waiting.test', 'Server', 7, null, 1)`,
  );
  const names = new Set(['acme.test', 'org.test']);
  expect(await look()).toEqual({ names, any: false, senderSuffices: true });

  await postal.run("update domains set use_for_any = 1 where name = 'Acme.test'");
  expect(await look()).toEqual({ names, any: true, senderSuffices: true });

  await postal.run('update servers set deleted_at = now()');
  expect(await look()).toBeUndefined();
});
