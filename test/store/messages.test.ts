import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { findMessage, listEvents, listMessages, type MessageFilter } from '../../src/store/message-views.ts';
import { insertSubmissions } from '../../src/store/messages.ts';
import { type TestDatabase, testDatabase } from '../engines/postgres.ts';
import { anything } from './any-message.ts';
import { newMessage, submission } from './submissions.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

async function rawOf(id: string): Promise<Buffer | undefined> {
  const [row] = await database.db.query<{ raw: Buffer }>('select raw from bodies where message_id = $1', [
    id,
  ]);
  return row?.raw;
}

describe('storing a batch', () => {
  it('keeps every octet of every body, also binary and empty ones', async () => {
    const bodies = [
      Buffer.from(Array.from({ length: 256 }, (_, octet) => octet)),
      Buffer.alloc(0),
      Buffer.from('ü'),
    ];
    const batch = bodies.map((raw) => newMessage({ raw }));
    await insertSubmissions(database.db, batch);
    expect(await Promise.all(batch.map((message) => rawOf(message.submission.id)))).toEqual(bodies);
  });

  it('makes a message due at once, whatever the clock of the one that received it said', async () => {
    const ahead = newMessage({ receivedAt: new Date(Date.now() + 3_600_000) });
    await insertSubmissions(database.db, [ahead]);
    expect(
      await database.db.query('select next_attempt_at <= now() as due from messages where id = $1', [
        ahead.submission.id,
      ]),
    ).toEqual([{ due: true }]);
  });

  it('stores a message once, however often it is sent', async () => {
    const [one, other] = [newMessage(), newMessage()];
    expect(await insertSubmissions(database.db, [one])).toEqual([one.submission.id]);
    const again = newMessage({ ...one.submission, raw: Buffer.from('something else') });
    expect(await insertSubmissions(database.db, [again, other, other])).toEqual([other.submission.id]);
    expect(await rawOf(one.submission.id)).toEqual(one.submission.raw);
    expect((await findMessage(database.db, one.submission.id))?.recipients).toHaveLength(1);
    expect(await listEvents(database.db, one.submission.id)).toHaveLength(1);
  });

  it('stores all of it or nothing', async () => {
    const good = newMessage();
    const bad = newMessage({ envelope: { mailFrom: 'a\u0000b', rcptTo: ['x@example.com'] } });
    await expect(insertSubmissions(database.db, [good, bad])).rejects.toMatchObject({ code: '22021' });
    expect(await findMessage(database.db, good.submission.id)).toBeUndefined();
  });

  it('has one row for a recipient that the envelope names twice', async () => {
    const message = newMessage({ envelope: { mailFrom: '', rcptTo: ['a@b.test', 'c@b.test', 'a@b.test'] } });
    await insertSubmissions(database.db, [message]);
    const view = await findMessage(database.db, message.submission.id);
    expect(view?.recipients.map(({ address }) => address)).toEqual(['a@b.test', 'c@b.test']);
  });

  it('stores a message again whose body outlived it', async () => {
    const message = newMessage();
    const { id, raw } = message.submission;
    await insertSubmissions(database.db, [message]);
    await database.db.change('delete from messages where id = $1', [id]);
    expect(await insertSubmissions(database.db, [message])).toEqual([id]);
    expect(await rawOf(id)).toEqual(raw);
  });

  it('does nothing for an empty batch', async () => {
    expect(await insertSubmissions(database.db, [])).toEqual([]);
  });

  it('makes what is due at once due when it was received, and what is scheduled at its time', async () => {
    const sendAt = new Date('2026-04-01T00:00:00Z');
    const [now, later] = [newMessage(), newMessage({}, { sendAt })];
    await insertSubmissions(database.db, [now, later]);
    const due = await database.db.query<{ next_attempt_at: Date }>(
      'select next_attempt_at from messages where id = any($1) order by next_attempt_at',
      [[now.submission.id, later.submission.id]],
    );
    expect(due.map((row) => row.next_attempt_at)).toEqual([now.submission.receivedAt, sendAt]);
    expect((await findMessage(database.db, later.submission.id))?.state).toBe('scheduled');
  });
});

describe('reading', () => {
  it('shows what the sender said', async () => {
    const message = newMessage(
      {},
      { subject: 'Grüße "x", {y}', tag: 'spring', metadata: { order: '7, \\"8"' }, headerMessageId: 'a@b' },
    );
    await insertSubmissions(database.db, [message]);
    expect(await findMessage(database.db, message.submission.id)).toMatchObject({
      subject: 'Grüße "x", {y}',
      tag: 'spring',
      metadata: { order: '7, \\"8"' },
      headerMessageId: 'a@b',
      sizeBytes: message.submission.raw.length,
      mailFrom: 'news@acme.test',
    });
  });

  it('finds nothing where there is nothing', async () => {
    expect(await findMessage(database.db, submission().id)).toBeUndefined();
  });

  it('lists newest first, page by page, each message once', async () => {
    const days = [1, 2, 3, 4, 5].map((day) =>
      newMessage({ receivedAt: new Date(Date.UTC(2027, 0, day)) }, { tag: 'pages' }),
    );
    await insertSubmissions(database.db, days);
    const filter = { ...anything, tag: 'pages' };
    const first = await listMessages(database.db, filter, { before: undefined, limit: 3 });
    const rest = await listMessages(database.db, filter, { before: first.at(-1)?.id, limit: 3 });
    expect([...first, ...rest].map(({ id }) => id)).toEqual(
      days.toReversed().map((message) => message.submission.id),
    );
  });

  it('filters by recipient, Message-ID, state and time', async () => {
    const receivedAt = new Date('2028-05-05T00:00:00Z');
    const message = newMessage(
      { receivedAt, envelope: { mailFrom: '', rcptTo: ['only@here.test'] } },
      { headerMessageId: 'only@here' },
    );
    await insertSubmissions(database.db, [message]);
    const page = { before: undefined, limit: 10 };
    const filters: Partial<MessageFilter>[] = [
      { recipient: 'only@here.test' },
      { headerMessageId: 'only@here' },
      { since: receivedAt },
      { state: 'queued', since: receivedAt },
    ];
    for (const filter of filters) {
      const found = await listMessages(database.db, { ...anything, ...filter }, page);
      expect(found.map(({ id }) => id)).toEqual([message.submission.id]);
    }
    const nothing: Partial<MessageFilter>[] = [
      { recipient: 'only@here.test', until: receivedAt },
      { recipient: 'only@here.test', state: 'delivered' },
    ];
    for (const filter of nothing)
      expect(await listMessages(database.db, { ...anything, ...filter }, page)).toEqual([]);
  });
});
