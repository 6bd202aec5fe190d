import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { cancelScheduled } from '../../src/store/cancellation.ts';
import { findMessage } from '../../src/store/message-views.ts';
import { insertSubmissions } from '../../src/store/messages.ts';
import { type TestDatabase, testDatabase } from '../engines/postgres.ts';
import { newMessage, submission } from './submissions.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

async function stored(sendAt: Date | undefined): Promise<string> {
  const message = newMessage({}, { sendAt });
  await insertSubmissions(database.db, [message]);
  return message.submission.id;
}

const later = new Date('2100-01-01T00:00:00Z');
const cancel = (id: string) => database.db.transaction((within) => cancelScheduled(within, id));

describe('cancelling', () => {
  it('takes a scheduled message out of the queue for good, once', async () => {
    const id = await stored(later);
    expect(await cancel(id)).toEqual({ kind: 'cancelled', recipients: ['ann@example.com'] });
    expect((await findMessage(database.db, id))?.state).toBe('cancelled');
    const due = await database.db.query('select next_attempt_at from messages where id = $1', [id]);
    expect(due).toEqual([{ next_attempt_at: null }]);
    expect(await cancel(id)).toEqual({ kind: 'already' });
  });

  it('is too late for a message that is not scheduled', async () => {
    expect(await cancel(await stored(undefined))).toEqual({ kind: 'too-late' });
  });

  it('is too late for a message that a worker holds', async () => {
    const id = await stored(later);
    await database.db.change(`update messages set lease_until = now() + interval '1 minute' where id = $1`, [
      id,
    ]);
    expect(await cancel(id)).toEqual({ kind: 'too-late' });
    expect((await findMessage(database.db, id))?.state).toBe('scheduled');
  });

  it('knows no message that is not there', async () => {
    expect(await cancel(submission().id)).toEqual({ kind: 'unknown' });
  });
});
