import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { systemRandom } from '../../src/adapters/random.ts';
import { type Id, newId } from '../../src/domain/id.ts';
import {
  changeQueue,
  countAffected,
  type QueueAct,
  releaseEndedHolds,
} from '../../src/store/queue-changes.ts';
import type { QueueFilter } from '../../src/store/queue-filter.ts';
import { listQueue, showQueued } from '../../src/store/queue-list.ts';
import { claimDue } from '../../src/store/claim.ts';
import { beginHandover, finishClaims } from '../../src/store/queue.ts';
import { listEvents } from '../../src/store/message-views.ts';
import { endPause, pauseSending, resumeSending, sendingState } from '../../src/store/sending.ts';
import { type TestDatabase, testDatabase } from '../engines/postgres.ts';
import { plainClaim as claim } from './plain-claim.ts';
import { submit } from './submit.ts';
import { until } from './until.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await testDatabase();
});
afterEach(async () => {
  await database[Symbol.asyncDispose]();
});

const now = new Date();
const recording = {
  at: now,
  eventId: () => newId('evt', now, systemRandom.bytes(10)),
  deliveryId: () => newId('whd', now, systemRandom.bytes(10)),
};

function act(name: QueueAct, filter: QueueFilter, more: { heldUntil?: Date; limit?: number } = {}) {
  return changeQueue(database.db, { act: name, filter, reason: 'because', limit: 100, ...more }, recording);
}

async function states(id: string): Promise<readonly string[]> {
  const rows = await database.db.query<{ state: string }>(
    'select state from recipients where message_id = $1 order by position',
    [id],
  );
  return rows.map(({ state }) => state);
}

describe('an act on the queue', () => {
  it.each<[string, (ids: { reset: string }) => QueueFilter]>([
    ['domain', () => ({ domain: 'Other.test' })],
    ['credential', () => ({ credentialId: 'usr_2' })],
    ['tag', () => ({ tag: 'reset' })],
    ['age', () => ({ olderThanMs: 3_600_000 })],
    ['id', ({ reset }) => ({ messageIds: [reset] })],
  ])('is for those that a filter by %s names, and it is known before how many', async (_, filterOf) => {
    const { db } = database;
    const other = await submit(db, { to: ['ann@example.test'] });
    const reset = await submit(db, {
      to: ['bob@other.test'],
      credentialId: 'usr_2',
      tag: 'reset',
      receivedAt: new Date(now.getTime() - 7_200_000),
    });
    const filter = filterOf({ reset });

    expect(await countAffected(db, 'hold', filter)).toBe(1);
    expect(await act('hold', filter)).toBe(1);
    expect([await states(other), await states(reset)]).toEqual([['queued'], ['held']]);
  });

  it('holds and releases, and what is held is not sent', async () => {
    const { db } = database;
    const id = await submit(db, { to: ['a@b.test', 'c@d.test'] });
    await act('hold', { domain: 'b.test' });
    const [claimed] = await claimDue(db, claim);
    expect(claimed?.recipients.map(({ address }) => address)).toEqual(['c@d.test']);
    await finishClaims(db, [{ id, attemptId: 'att_1', againInMs: 0, counts: false }]);

    expect(await act('release', { messageIds: [id] })).toBe(1);
    expect(await states(id)).toEqual(['queued', 'queued']);
  });

  it('reaches a recipient whose message a worker has claimed, as long as it is not being sent', async () => {
    const { db } = database;
    const id = await submit(db);
    await claimDue(db, claim);
    expect(await act('hold', {})).toBe(1);
    const begun = await beginHandover(db, {
      id,
      attemptId: 'att_1',
      positions: [0],
      leaseMs: 60_000,
      settleMs: 0,
    });
    expect(begun?.positions).toEqual([]);
  });

  it('never touches what is being sent, is uncertain, or is at Postal', async () => {
    const { db } = database;
    for (const state of ['sending', 'uncertain', 'accepted', 'delivered']) {
      const id = await submit(db);
      await db.change('update recipients set state = $2 where message_id = $1', [id, state]);
    }
    const held = await submit(db);
    await db.change(`update recipients set state = 'held', postal_id = 7 where message_id = $1`, [held]);

    for (const name of ['hold', 'release', 'retry', 'drop'] as const) expect(await act(name, {})).toBe(0);
  });

  it('puts what Postal never took back into the queue with fresh attempts', async () => {
    const { db } = database;
    const id = await submit(db);
    await db.change(`update recipients set state = 'failed'`);
    await db.change(
      'update messages set next_attempt_at = null, attempts = 9, first_attempt_at = received_at',
    );
    expect(await act('retry', { state: 'failed' })).toBe(1);
    expect(await claimDue(db, claim)).toMatchObject([{ id, attempts: 0, firstAttemptAt: null }]);
  });

  it('drops for good, and says why in the timeline', async () => {
    const { db } = database;
    const id = await submit(db);
    expect(await act('drop', {})).toBe(1);
    expect(await states(id)).toEqual(['cancelled']);
    const events = await db.query(`select kind, recipient, detail from events where kind <> 'received'`);
    expect(events).toEqual([
      { kind: 'cancelled', recipient: 'ann@example.test', detail: { by: 'operator', reason: 'because' } },
    ]);
  });

  it.each(['release', 'retry'] as const)(
    'is told in the timeline with its reason, which is no reason to wait: %s',
    async (name) => {
      const { db } = database;
      await submit(db);
      await db.change('update recipients set state = $1, detail = $2', [
        name === 'release' ? 'held' : 'failed',
        'it was listed',
      ]);
      expect(await act(name, {})).toBe(1);
      expect(await db.query('select state, detail from recipients')).toEqual([
        { state: 'queued', detail: null },
      ]);
      expect(await db.query(`select kind, recipient, detail from events where kind <> 'received'`)).toEqual([
        {
          kind: 'requeued',
          recipient: 'ann@example.test',
          detail: { by: 'operator', act: name, reason: 'because' },
        },
      ]);
    },
  );

  it('is carried out to its end in parts of a chosen size', async () => {
    for (let number = 0; number < 5; number += 1) await submit(database.db, { to: ['a@b.test', 'c@d.test'] });
    expect(await act('hold', {}, { limit: 3 })).toBe(10);
    expect(await act('hold', {}, { limit: 3 })).toBe(0);
  });

  it('goes on behind what a worker took while it was waited for', async () => {
    const { db } = database;
    const sent = await submit(db, { receivedAt: new Date(now.getTime() - 60_000) });
    for (let number = 0; number < 5; number += 1) await submit(db);
    const { acting } = await db.transaction(async (worker) => {
      await worker.query('select from messages where id = $1 for no key update', [sent]);
      await worker.change(`update recipients set state = 'sending' where message_id = $1`, [sent]);
      const acting = act('hold', {}, { limit: 2 });
      await until(
        () =>
          db.query(
            `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
          ),
        (waiting) => waiting.length > 0,
      );
      return { acting };
    });

    expect(await acting).toBe(5);
    expect(await states(sent)).toEqual(['sending']);
  });

  it('ends though what it tries again fails again at once', async () => {
    const { db } = database;
    for (let number = 0; number < 4; number += 1) await submit(db);
    await db.query(
      `create function again() returns trigger language plpgsql as $$ begin new.state = 'failed'; return new; end $$;
       create trigger again before update on recipients for each row execute function again()`,
    );
    await db.change('update recipients set changed_at = now()');

    expect(await act('retry', {}, { limit: 2 })).toBe(4);
  });

  it('leaves a send time as it was', async () => {
    const { db } = database;
    const sendAt = new Date(now.getTime() + 3_600_000);
    const id = await submit(db, { sendAt });
    await act('hold', {});
    await act('release', {});
    expect(await states(id)).toEqual(['scheduled']);
    expect(await db.query('select next_attempt_at from messages')).toEqual([{ next_attempt_at: sendAt }]);
  });
});

describe('a hold with an end', () => {
  it('ends by itself, and not before', async () => {
    const { db } = database;
    const id = await submit(db);
    await act('hold', {}, { heldUntil: new Date(now.getTime() + 3_600_000) });
    expect(await releaseEndedHolds(db, 10, recording)).toBe(0);
    await db.change(`update recipients set held_until = now() - interval '1 s'`);
    await db.change('update messages set next_attempt_at = null');
    expect(await releaseEndedHolds(db, 10, recording)).toBe(1);
    expect((await claimDue(db, claim)).map((message) => message.id)).toEqual([id]);
  });

  it('is told in the timeline of the message when it ends', async () => {
    const { db } = database;
    const id = await submit(db);
    await act('hold', {}, { heldUntil: new Date(now.getTime() - 1000) });
    await releaseEndedHolds(db, 10, recording);
    const events = await listEvents(db, id as Id<'msg'>);
    expect(events.filter(({ kind }) => kind === 'requeued')).toMatchObject([
      {
        recipient: 'ann@example.test',
        detail: { by: 'mailctl', act: 'release', reason: 'its hold has ended', until: expect.any(String) },
      },
    ]);
    expect(await releaseEndedHolds(db, 10, recording)).toBe(0);
  });
});

describe('a pause with an end', () => {
  it('is taken off the record once when it is over, and not before', async () => {
    const { db } = database;
    await pauseSending(db, { reason: 'upkeep', until: new Date(now.getTime() + 3_600_000) });
    expect(await endPause(db)).toBeUndefined();
    const until = new Date(now.getTime() - 1000);
    await pauseSending(db, { reason: 'upkeep', until });
    expect(await endPause(db)).toMatchObject({ until, reason: 'upkeep' });
    expect(await sendingState(db)).toMatchObject({ pausedAt: null, pausedUntil: null, pausedReason: null });
    expect(await endPause(db)).toBeUndefined();
  });

  it('stays while it has no end', async () => {
    const { db } = database;
    await pauseSending(db, { reason: 'upkeep' });
    expect(await endPause(db)).toBeUndefined();
    expect((await sendingState(db))?.pausedAt).not.toBeNull();
  });
});

describe('the list of the queue', () => {
  it('shows what still needs something, a page after the other', async () => {
    const { db } = database;
    const ids = [await submit(db), await submit(db, { to: ['a@b.test', 'c@d.test'] }), await submit(db)];
    const done = await submit(db);
    await db.change(`update recipients set state = 'delivered' where message_id = $1`, [done]);
    const sorted = ids.toSorted();

    const first = await listQueue(db, {}, { limit: 2 });
    const second = await listQueue(db, {}, { limit: 2, after: first.at(-1)?.id });

    expect([...first, ...second].map(({ id }) => id)).toEqual(sorted);
    expect(await listQueue(db, { state: 'delivered' }, { limit: 2 })).toMatchObject([
      { id: done, state: 'delivered' },
    ]);
  });

  it('shows one message with each recipient and why it waits', async () => {
    const { db } = database;
    const id = await submit(db, { to: ['a@b.test', 'c@d.test'] });
    await act('hold', { domain: 'd.test' });
    expect(await showQueued(db, id)).toMatchObject({
      id,
      state: 'queued',
      recipients: [
        { address: 'a@b.test', state: 'queued', detail: null },
        { address: 'c@d.test', state: 'held', detail: 'because' },
      ],
    });
    expect(await showQueued(db, 'msg_none')).toBeUndefined();
  });
});

describe('pausing', () => {
  it('stops every claim until it is resumed', async () => {
    const { db } = database;
    await submit(db);
    await pauseSending(db, { reason: 'a bad campaign' });
    expect(await claimDue(db, claim)).toEqual([]);
    expect(await sendingState(db)).toMatchObject({
      pausedReason: 'a bad campaign',
      pausedAt: expect.any(Date),
    });
    expect(await resumeSending(db)).toBe(true);
    expect(await resumeSending(db)).toBe(false);
    expect(await claimDue(db, claim)).toHaveLength(1);
  });
});
