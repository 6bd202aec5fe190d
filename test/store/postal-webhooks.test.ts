import { randomUUID } from 'node:crypto';

import { expect, it } from 'vitest';

import { insertPostalWebhooks } from '../../src/store/postal-webhooks.ts';
import { testDatabase } from '../engines/postgres.ts';

it("stores Postal's webhooks octet by octet, once each, and keeps the quarantined ones apart", async () => {
  await using database = await testDatabase();
  const webhooks = [
    {
      uuid: randomUUID(),
      event: 'MessageSent',
      body: Buffer.from('{"a":"\\u003c"}'),
      quarantined: undefined,
    },
    { uuid: randomUUID(), event: 'unknown', body: Buffer.from([0, 255, 13]), quarantined: 'it is no JSON' },
  ];
  const [first, second] = webhooks.map(({ uuid }) => uuid);
  expect([...(await insertPostalWebhooks(database.db, webhooks))].toSorted()).toEqual(
    [first, second].toSorted(),
  );
  const again = webhooks.map((webhook) => ({ ...webhook, body: Buffer.from('other') }));
  expect([...(await insertPostalWebhooks(database.db, again))]).toEqual([]);
  const rows = await database.db.query(
    'select uuid, body, state, reason from postal_webhooks order by state',
  );
  expect(rows).toEqual([
    { uuid: first, body: webhooks[0]?.body, state: 'new', reason: null },
    { uuid: second, body: webhooks[1]?.body, state: 'quarantined', reason: 'it is no JSON' },
  ]);
});
