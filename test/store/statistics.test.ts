import { expect, it } from 'vitest';

import { insertSubmissions } from '../../src/store/messages.ts';
import { countMessages } from '../../src/store/statistics.ts';
import { testDatabase } from '../engines/postgres.ts';
import { newMessage } from './submissions.ts';

it('counts messages, recipients by state, opens and clicks of a span and a tag', async () => {
  await using database = await testDatabase();
  const day = (number: number) => new Date(Date.UTC(2026, 0, number));
  const two = { mailFrom: '', rcptTo: ['a@b.test', 'c@d.test'] };
  const inside = newMessage({ receivedAt: day(1), envelope: two, raw: Buffer.alloc(100) }, { tag: 'spring' });
  await insertSubmissions(database.db, [
    inside,
    newMessage({ receivedAt: day(1), raw: Buffer.alloc(50) }),
    newMessage({ receivedAt: day(2) }, { tag: 'spring' }),
  ]);
  await database.db.change(
    `update recipients set state = 'delivered', opens = 2, clicks = 1 where message_id = $1 and position = 0`,
    [inside.submission.id],
  );
  const span = { since: day(1), until: day(2) };
  expect(await countMessages(database.db, { ...span, tag: 'spring' })).toEqual({
    messages: 1,
    bytes: 100,
    recipients: { delivered: 1, queued: 1 },
    opens: 2,
    clicks: 1,
  });
  expect(await countMessages(database.db, { ...span, tag: undefined })).toMatchObject({
    messages: 2,
    bytes: 150,
  });
  expect(await countMessages(database.db, { since: day(5), until: day(6), tag: undefined })).toEqual({
    messages: 0,
    bytes: 0,
    recipients: {},
    opens: 0,
    clicks: 0,
  });
});
