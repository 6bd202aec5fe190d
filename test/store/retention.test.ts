import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { systemRandom } from '../../src/adapters/random.ts';
import { newId } from '../../src/domain/id.ts';
import { changeQueue } from '../../src/store/queue-changes.ts';
import { claimDue } from '../../src/store/claim.ts';
import { beginHandover } from '../../src/store/queue.ts';
import { dropBodyDay, expiredBodyDays } from '../../src/store/retention.ts';
import { applyRetention } from '../../src/upkeep/retention.ts';
import { type TestDatabase, testDatabase } from '../engines/postgres.ts';
import { plainClaim } from './plain-claim.ts';
import { submit } from './submit.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await testDatabase();
});
afterEach(async () => {
  await database[Symbol.asyncDispose]();
});

const day = 86_400_000;
const oldDay = '2026-01-05';
const keep = {
  RETENTION_BODIES: 7 * day,
  RETENTION_MESSAGES: 90 * day,
  RETENTION_POSTAL_WEBHOOKS: 30 * day,
  RETENTION_WEBHOOK_DELIVERIES: 30 * day,
  RETENTION_INBOUND: 14 * day,
  RETENTION_BATCH: 2,
  RETENTION_LOCK_TIMEOUT: 200,
};

const now = new Date();
const recording = {
  at: now,
  eventId: () => newId('evt', now, systemRandom.bytes(10)),
  deliveryId: () => newId('whd', now, systemRandom.bytes(10)),
};

/** Stores a message as if it had come on the old day; `state` and what else its recipient has. */
async function submitOld(changes: string): Promise<string> {
  const { db } = database;
  const id = await submit(db);
  await db.query(
    `create table if not exists bodies_20260105 partition of bodies for values from ('2026-01-05') to ('2026-01-06')`,
  );
  await db.change('update bodies set day = $2 where message_id = $1', [id, oldDay]);
  await db.change('update messages set body_day = $2 where id = $1', [id, oldDay]);
  await db.change(`update recipients set ${changes} where message_id = $1`, [id]);
  return id;
}

const bodies = async () =>
  (await database.db.query<{ message_id: string }>('select message_id from bodies')).map(
    (row) => row.message_id,
  );

describe('the retention of bodies', () => {
  it('drops a day, and keeps every body that could still be sent', async () => {
    const { db } = database;
    const kept = [
      await submitOld(`state = 'queued'`),
      await submitOld(`state = 'scheduled'`),
      await submitOld(`state = 'held'`),
      await submitOld(`state = 'uncertain'`),
      await submitOld(`state = 'failed', postal_id = null`),
    ];
    for (const state of ['delivered', 'bounced', 'accepted', 'cancelled'])
      await submitOld(`state = '${state}'`);
    await submitOld(`state = 'failed', postal_id = 7`);

    const removed = await applyRetention(db, keep);

    expect(removed).toMatchObject({ bodyDays: [oldDay], bodiesMoved: 5 });
    expect((await bodies()).toSorted()).toEqual(kept.toSorted());
    expect(await expiredBodyDays(db, keep.RETENTION_BODIES)).toEqual([]);
  });

  it('leaves a moved body where its message finds it', async () => {
    const { db } = database;
    const id = await submitOld(`state = 'queued'`);
    await dropBodyDay(db, oldDay, 200);
    await claimDue(db, { ...plainClaim, limit: 1 });
    const begun = await beginHandover(db, {
      id,
      attemptId: 'att_1',
      positions: [0],
      leaseMs: 60_000,
      settleMs: 0,
    });
    expect(begun?.raw?.toString()).toContain('Subject: Hello');
  });

  it('never drops the body of what is scheduled in 60 days, held, or given up: it is sent after many rounds', async () => {
    const { db } = database;
    const scheduled = await submit(db, { sendAt: new Date(Date.now() + 60 * day) });
    const held = await submit(db);
    const deadLettered = await submit(db);
    await db.change(`update recipients set state = 'held' where message_id = $1`, [held]);
    await db.change(`update recipients set state = 'failed' where message_id = $1`, [deadLettered]);
    await db.change('update messages set next_attempt_at = null where id <> $1', [scheduled]);

    for (let round = 0; round < 4; round += 1) {
      await db.query(
        `create table bodies_20260105 partition of bodies for values from ('2026-01-05') to ('2026-01-06')`,
      );
      await db.change('update bodies set day = $1', [oldDay]);
      await db.change(`update messages set body_day = $1, stored_at = stored_at - interval '15 days'`, [
        oldDay,
      ]);
      expect(await applyRetention(db, keep)).toMatchObject({
        bodyDays: [oldDay],
        bodiesMoved: 3,
        messages: 0,
      });
    }

    await db.change('update messages set next_attempt_at = now() where id = $1', [scheduled]);
    for (const act of ['release', 'retry'] as const)
      await changeQueue(db, { act, filter: {}, reason: '', limit: 10 }, recording);
    const claimed = await claimDue(db, {
      attemptId: 'att_1',
      limit: 9,
      leaseMs: 60_000,
      shares: [],
      others: 0,
      aged: 0,
      lowDelayMs: 0,
    });
    const intent = { attemptId: 'att_1', positions: [0], leaseMs: 60_000, settleMs: 0 };
    const begun = await Promise.all(claimed.map(({ id }) => beginHandover(db, { ...intent, id })));
    expect(begun.map((one) => one?.raw?.includes('Subject: Hello'))).toEqual([true, true, true]);
  });

  it('touches nothing of a day while a worker holds one of its messages', async () => {
    const { db } = database;
    await submitOld(`state = 'queued'`);
    const free = await submitOld(`state = 'held'`);
    await claimDue(db, { ...plainClaim, limit: 1 });
    await db.change('update messages set lease_until = null where id = $1', [free]);

    expect(await dropBodyDay(db, oldDay, 200)).toEqual({ outcome: 'busy' });
    expect(await expiredBodyDays(db, keep.RETENTION_BODIES)).toEqual([oldDay]);
    expect(await bodies()).toHaveLength(2);
  });

  it('moves what it can of a day that a worker still reads, page by page, and drops the day in a later round', async () => {
    const { db } = database;
    const read = await submitOld(`state = 'queued'`);
    const others = [await submitOld(`state = 'held'`), await submitOld(`state = 'held'`)];
    await db.change(`update messages set lease_until = now() + interval '1 h' where id = $1`, [read]);
    const places = async () =>
      db.query<{ id: string; isToday: boolean }>(
        `select m.id, m.body_day > $1 as "isToday" from messages m join bodies b on b.message_id = m.id and b.day = m.body_day order by m.id`,
        [oldDay],
      );

    expect(await applyRetention(db, keep)).toMatchObject({ bodyDays: [], bodiesMoved: 2 });
    expect(await places()).toEqual([
      { id: read, isToday: false },
      ...others.map((id) => ({ id, isToday: true })),
    ]);
    await db.change(`update messages set lease_until = null`);

    expect(await applyRetention(db, keep)).toMatchObject({ bodyDays: [oldDay], bodiesMoved: 1 });
    expect((await places()).map(({ isToday }) => isToday)).toEqual([true, true, true]);
  });

  it('gives up until the next round when a reader is in the way', async () => {
    const { db } = database;
    await submitOld(`state = 'held'`);
    await db.transaction(async (reader) => {
      await reader.query('select count(*) from bodies');
      expect(await applyRetention(db, keep)).toMatchObject({ bodyDays: [], bodiesMoved: 1 });
    });
    expect(await applyRetention(db, keep)).toMatchObject({ bodyDays: [oldDay], bodiesMoved: 0 });
  });

  it('keeps a day that is younger', async () => {
    await submitOld(`state = 'delivered'`);
    expect(await expiredBodyDays(database.db, 100 * 365 * day)).toEqual([]);
  });
});

describe('the retention of everything else', () => {
  it('removes old messages with all that belongs to them, and none that could still be sent', async () => {
    const { db } = database;
    for (const state of ['delivered', 'failed', 'delivered']) {
      const id = await submit(db);
      await db.change('update recipients set state = $2 where message_id = $1', [id, state]);
      await db.change('update messages set next_attempt_at = null where id = $1', [id]);
    }
    const scheduled = await submit(db, { sendAt: new Date(Date.now() + day) });
    const held = await submit(db);
    await db.change(`update recipients set state = 'held' where message_id = $1`, [held]);
    await db.change(`update messages set next_attempt_at = null where id = $1`, [held]);
    await db.change(`update messages set stored_at = now() - interval '91 days'`);
    await db.change(`update recipients set changed_at = now() - interval '91 days'`);
    const young = await submit(db);

    expect(await applyRetention(db, keep)).toMatchObject({ messages: 3 });

    const rows = await db.query<{ id: string }>('select id from messages order by id');
    expect(rows.map(({ id }) => id)).toEqual([scheduled, held, young]);
    expect(await db.query('select message_id from recipients')).toHaveLength(3);
  });

  it('ends after the batch in hand when it is to go on no longer, and asks before each', async () => {
    const { db } = database;
    for (let count = 0; count < 5; count += 1) await submit(db);
    await db.change(`update messages set stored_at = now() - interval '91 days', next_attempt_at = null`);
    await db.change(`update recipients set state = 'delivered', changed_at = now() - interval '91 days'`);
    const left = async () => (await db.query('select from messages')).length;
    const removed = async (times: number) => {
      let asked = 0;
      return applyRetention(db, keep, () => (asked += 1) <= times);
    };

    expect(await removed(0)).toMatchObject({ messages: 0 });
    expect(await removed(1)).toMatchObject({ messages: 2, webhookDeliveries: 0 });
    expect(await left()).toBe(3);
    expect(await removed(100)).toMatchObject({ messages: 3 });
  });

  it('keeps a message that was on hold for months as long as any other from its delivery on, with what AMS is still to hear', async () => {
    const { db } = database;
    const id = await submit(db);
    await db.change(`update messages set stored_at = now() - interval '200 days', next_attempt_at = null`);
    await db.change(`update recipients set state = 'delivered', changed_at = now() - interval '89 days'`);
    await db.change(
      `insert into webhook_endpoints (id, url, sealed_secret) values ('whe_1', 'https://ams.test', '')`,
    );
    await db.change(
      `insert into events (id, message_id, kind, at) values ('evt_1', $1, 'delivered', now())`,
      [id],
    );
    await db.change(
      `insert into webhook_deliveries (id, endpoint_id, event_id, body) values ('whd_1', 'whe_1', 'evt_1', '{}')`,
    );

    expect(await applyRetention(db, keep)).toMatchObject({ messages: 0 });
    expect(await db.query('select state from webhook_deliveries')).toEqual([{ state: 'waiting' }]);

    await db.change(`update recipients set changed_at = now() - interval '91 days'`);
    expect(await applyRetention(db, keep)).toMatchObject({ messages: 1 });
  });

  it('removes webhooks of Postal that were worked out, never the quarantine or what is new', async () => {
    const { db } = database;
    for (const state of ['done', 'done', 'done', 'new', 'quarantined'])
      await db.change(
        `insert into postal_webhooks (uuid, event, body, state, received_at)
         values (gen_random_uuid(), 'MessageSent', '', $1, now() - interval '31 days')`,
        [state],
      );
    await db.change(
      `insert into postal_webhooks (uuid, event, body, state) values (gen_random_uuid(), 'MessageSent', '', 'done')`,
    );

    expect(await applyRetention(db, keep)).toMatchObject({ postalWebhooks: 3 });
    expect(await db.query('select uuid from postal_webhooks')).toHaveLength(3);
  });

  it('removes webhooks that AMS took, never those that wait or are dead', async () => {
    const { db } = database;
    const id = await submit(db);
    await db.change(
      `insert into webhook_endpoints (id, url, sealed_secret) values ('whe_1', 'https://ams.test', '')`,
    );
    for (const state of ['delivered', 'waiting', 'dead']) {
      await db.change(`insert into events (id, message_id, kind, at) values ($1, $2, 'delivered', now())`, [
        state,
        id,
      ]);
      await db.change(
        `insert into webhook_deliveries (id, endpoint_id, event_id, body, state, created_at)
         values ($1, 'whe_1', $1, '{}', $1, now() - interval '31 days')`,
        [state],
      );
    }

    expect(await applyRetention(db, keep)).toMatchObject({ webhookDeliveries: 1 });
    const rows = await db.query('select state from webhook_deliveries order by state');
    expect(rows).toEqual([{ state: 'dead' }, { state: 'waiting' }]);
  });
});
