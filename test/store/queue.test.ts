import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { claimDue, type Claim, queuedShares } from '../../src/store/claim.ts';
import { beginHandover, closeSettled, finishClaims, giveBack, queueFigures } from '../../src/store/queue.ts';
import { recipientKey, settleRecipients } from '../../src/store/recipients.ts';
import type { Database } from '../../src/adapters/postgres.ts';
import { type TestDatabase, testDatabase } from '../engines/postgres.ts';
import { plainClaim as plain } from './plain-claim.ts';
import { submit } from './submit.ts';
import { until } from './until.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await testDatabase();
});
afterEach(async () => {
  await database[Symbol.asyncDispose]();
});

const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);
const ids = (rows: readonly { readonly id: string }[]) => rows.map(({ id }) => id);

async function submitMany(
  count: number,
  mail: Parameters<typeof submit>[1] = {},
): Promise<readonly string[]> {
  return Promise.all(Array.from({ length: count }, () => submit(database.db, mail)));
}

describe('a claim', () => {
  it('takes what is due, longest due first, with its open recipients, and nobody else gets it', async () => {
    const { db } = database;
    const young = await submit(db, { receivedAt: minutesAgo(1) });
    const old = await submit(db, { receivedAt: minutesAgo(9), to: ['a@b.test', 'c@d.test'] });
    await submit(db, { sendAt: new Date(Date.now() + 60_000) });
    await db.change(`update recipients set state = 'delivered' where message_id = $1 and position = 0`, [
      old,
    ]);

    const claimed = await claimDue(db, plain);

    expect(ids(claimed)).toEqual([old, young]);
    expect(claimed[0]).toMatchObject({
      attemptId: 'att_1',
      mailFrom: 'news@acme.test',
      attempts: 0,
      recipients: [{ position: 1, address: 'c@d.test', state: 'queued' }],
    });
    expect(await claimDue(db, { ...plain, attemptId: 'att_2' })).toEqual([]);
  });

  it('never takes a message twice when many claim at once', async () => {
    const { db } = database;
    await submitMany(40);
    const claims = await Promise.all(
      Array.from({ length: 8 }, (_, number) =>
        claimDue(db, {
          ...plain,
          attemptId: `att_${number}`,
          shares: [{ priority: 'normal', share: 'mk_test/greeting' }],
        }),
      ),
    );
    const taken = claims.flatMap(ids);
    expect(new Set(taken).size).toBe(taken.length);
    expect(taken).toHaveLength(40);
  });

  it('is free again when its lease is over, and not before', async () => {
    const { db } = database;
    const id = await submit(db);
    await claimDue(db, { ...plain, leaseMs: 1 });
    expect(ids(await claimDue(db, { ...plain, attemptId: 'att_2' }))).toEqual([id]);
    expect(await claimDue(db, { ...plain, attemptId: 'att_3' })).toEqual([]);
  });

  it('takes nothing while sending is paused', async () => {
    const { db } = database;
    const id = await submit(db);
    await db.change('update sending set paused_at = now()');
    expect(await claimDue(db, plain)).toEqual([]);
    await db.change(`update sending set paused_until = now() - interval '1 s'`);
    expect(ids(await claimDue(db, plain))).toEqual([id]);
  });

  it('is given back untouched', async () => {
    const { db } = database;
    const id = await submit(db);
    const claimed = await claimDue(db, plain);
    const stale = claimed.map((message) => ({ ...message, attemptId: 'att_other' }));
    expect(await giveBack(db, stale)).toBe(0);
    expect(await giveBack(db, claimed)).toBe(1);
    expect(ids(await claimDue(db, { ...plain, attemptId: 'att_2' }))).toEqual([id]);
  });

  it('is given back to its place: what has waited longest still goes first', async () => {
    const { db } = database;
    const old = await submit(db, { receivedAt: minutesAgo(9) });
    const [claimed] = await claimDue(db, plain);
    await submit(db, { receivedAt: minutesAgo(5) });
    expect(claimed?.dueAt).toEqual(expect.any(Date));
    await giveBack(db, claimed ? [claimed] : []);

    const [first] = await claimDue(db, { ...plain, attemptId: 'att_2', limit: 1 });

    expect(first).toMatchObject({ id: old, dueAt: claimed?.dueAt });
    expect((await queueFigures(db)).oldestSeconds).toBeGreaterThan(4 * 60);
  });
});

const nobody = { high: '', normal: '', low: '' };
const names = (shares: readonly { readonly share: string }[]) => shares.map(({ share }) => share);

describe('fair shares', () => {
  it('let a single message through before a campaign that came first', async () => {
    const { db } = database;
    await submitMany(30, { tag: 'campaign', receivedAt: minutesAgo(60) });
    const reset = await submit(db, { tag: 'reset' });

    const shares = await queuedShares(db, { after: nobody, limit: 5 });
    const claimed = await claimDue(db, { ...plain, shares });

    expect(names(shares)).toEqual(['mk_test/campaign', 'mk_test/reset']);
    expect(claimed).toHaveLength(10);
    expect(ids(claimed)).toContain(reset);
  });

  it('leave half of each claim to whoever has waited longest, however many shares there are', async () => {
    const { db } = database;
    for (let number = 0; number < 20; number += 1)
      await submit(db, { tag: `t${10 + number}`, receivedAt: minutesAgo(1) });
    const old = await submitMany(5, { tag: 'z', receivedAt: minutesAgo(60) });

    const shares = await queuedShares(db, { after: nobody, limit: 5 });
    const claimed = await claimDue(db, { ...plain, shares });

    expect(ids(claimed)).toEqual(expect.arrayContaining([...old]));
    expect(claimed).toHaveLength(10);
  });

  it('are listed in a circle, a page after the other, only those that have something queued', async () => {
    const { db } = database;
    for (const tag of ['c', 'a', 'b']) await submit(db, { tag });
    const done = await submit(db, { tag: 'aa' });
    await db.change('update messages set next_attempt_at = null where id = $1', [done]);

    const first = await queuedShares(db, { after: nobody, limit: 2 });
    const second = await queuedShares(db, {
      after: { ...nobody, normal: names(first).at(-1) ?? '' },
      limit: 2,
    });

    expect([names(first), names(second)]).toEqual([['mk_test/a', 'mk_test/b'], ['mk_test/c']]);
    const third = await queuedShares(db, { after: { ...nobody, normal: 'mk_test/c' }, limit: 1 });
    expect(names(third)).toEqual(['mk_test/a']);
  });
});

describe('priority', () => {
  const hour = 3_600_000;
  const taken = async (db: Database, claim: Partial<Claim> = {}) => {
    const shares = await queuedShares(db, { after: nobody, limit: 5 });
    return ids(await claimDue(db, { ...plain, others: 2, aged: 1, lowDelayMs: hour, shares, ...claim }));
  };

  it('puts what is urgent before everything that came earlier', async () => {
    const { db } = database;
    await submitMany(20, { tag: 'campaign', receivedAt: minutesAgo(60) });
    const resets = await submitMany(3, { tag: 'campaign', priority: 'high' });

    const claimed = await taken(db);

    expect(claimed.slice(0, 3).toSorted()).toEqual(resets.toSorted());
    expect(claimed).toHaveLength(10);
  });

  it('leaves a part of each claim to the rest, however much is urgent', async () => {
    const { db } = database;
    const urgent = await submitMany(20, { priority: 'high', receivedAt: minutesAgo(60) });
    const plainOnes = await submitMany(5);

    const claimed = await taken(db, { others: 4 });

    expect(claimed).toHaveLength(10);
    expect(claimed.filter((id) => urgent.includes(id))).toHaveLength(6);
    expect(claimed.filter((id) => plainOnes.includes(id))).toHaveLength(4);
  });

  it('fills the claim with what is urgent where nothing else waits', async () => {
    const { db } = database;
    await submitMany(20, { priority: 'high' });
    await submitMany(1, { priority: 'low' });
    expect(await taken(db, { others: 4 })).toHaveLength(10);
  });

  it('divides what is urgent among its shares, too', async () => {
    const { db } = database;
    await submitMany(30, { tag: 'campaign', priority: 'high', receivedAt: minutesAgo(60) });
    const reset = await submit(db, { tag: 'reset', priority: 'high' });
    expect(await taken(db)).toContain(reset);
  });

  it('leaves half of what is left to the rest to whoever of it has waited longest', async () => {
    const { db } = database;
    await submitMany(20, { priority: 'high', receivedAt: minutesAgo(90) });
    for (const tag of ['a', 'b', 'c', 'd']) await submitMany(3, { tag });
    const [old = ''] = await submitMany(1, { tag: 'z', receivedAt: minutesAgo(60) });
    expect(await taken(db)).toContain(old);
  });

  it('takes what is of low priority only when nothing else is due', async () => {
    const { db } = database;
    const low = await submitMany(10, { priority: 'low', receivedAt: minutesAgo(59) });
    const others = await submitMany(8);

    const claimed = await taken(db);

    expect(claimed.slice(0, 8).toSorted()).toEqual(others.toSorted());
    expect(claimed.slice(8).every((id) => low.includes(id))).toBe(true);
    expect(claimed).toHaveLength(10);
  });

  it('gives what is of low priority a part of each claim once its delay is over', async () => {
    const { db } = database;
    const patient = await submitMany(3, { priority: 'low', receivedAt: minutesAgo(61) });
    await submitMany(20, { receivedAt: minutesAgo(90) });
    await submitMany(20, { priority: 'high' });

    const claimed = await taken(db);

    expect(claimed).toHaveLength(10);
    expect(claimed.filter((id) => patient.includes(id))).toHaveLength(1);
  });

  it('of any kind is never claimed twice when many claim at once', async () => {
    const { db } = database;
    await submitMany(20, { priority: 'high' });
    await submitMany(10, { priority: 'low' });
    await submitMany(10);
    const claims = await Promise.all(
      Array.from({ length: 8 }, (_, number) => taken(db, { attemptId: `att_${number}` })),
    );
    const all = claims.flat();
    expect(new Set(all).size).toBe(all.length);
    expect(all).toHaveLength(40);
  });
});

const intent = { attemptId: 'att_1', positions: [0, 1], leaseMs: 60_000, settleMs: 120_000 };

describe('the intent to hand over', () => {
  it('marks recipients as being sent, gives the body, and hides the message for lease and settle time', async () => {
    const { db } = database;
    const id = await submit(db, { to: ['a@b.test', 'c@d.test'] });
    await claimDue(db, plain);

    const begun = await beginHandover(db, { ...intent, id });

    expect(begun?.raw?.toString()).toContain('Subject: Hello');
    expect(begun?.positions).toEqual([0, 1]);
    const [row] = await db.query<{ lease: number; next: number; states: string[] }>(
      `select extract(epoch from lease_until - now())::float as lease, extract(epoch from next_attempt_at - now())::float as next,
         array(select state from recipients where message_id = id) as states from messages`,
    );
    expect(row?.states).toEqual(['sending', 'sending']);
    expect(row?.lease).toBeCloseTo(60, 0);
    expect(row?.next).toBeCloseTo(180, 0);
  });

  it('is refused when the lease is over or another attempt has the message', async () => {
    const { db } = database;
    const id = await submit(db);
    await claimDue(db, { ...plain, leaseMs: 0 });
    expect(await beginHandover(db, { ...intent, id })).toBeUndefined();
    await claimDue(db, { ...plain, attemptId: 'att_2' });
    expect(await beginHandover(db, { ...intent, id })).toBeUndefined();
    const rows = await db.query<{ state: string }>('select state from recipients');
    expect(rows).toEqual([{ state: 'queued' }]);
  });

  it('leaves out recipients that something else has settled meanwhile', async () => {
    const { db } = database;
    const id = await submit(db, { to: ['a@b.test', 'c@d.test'] });
    await claimDue(db, plain);
    await db.change(`update recipients set state = 'cancelled' where position = 0`);
    expect((await beginHandover(db, { ...intent, id }))?.positions).toEqual([1]);
  });

  it('says when the body is gone', async () => {
    const { db } = database;
    const id = await submit(db);
    await claimDue(db, plain);
    await db.change('delete from bodies');
    const begun = await beginHandover(db, { ...intent, id });
    expect(begun).toEqual({ raw: undefined, positions: [0] });
  });
});

describe('the end of a claim', () => {
  const end = { attemptId: 'att_1', againInMs: 60_000, counts: true };

  it('takes the message out of the queue when nothing is open, and puts it back later otherwise', async () => {
    const { db } = database;
    const [settled = '', open = ''] = await submitMany(2);
    await claimDue(db, plain);
    await beginHandover(db, { ...intent, id: settled });
    const settlements = [
      { position: 0, address: 'ann@example.test', state: 'accepted', detail: '' },
    ] as const;
    await settleRecipients(db, [{ messageId: settled, attemptId: 'att_1', settlements }]);
    await finishClaims(
      db,
      [settled, open].map((id) => ({ ...end, id })),
    );

    const rows = await db.query<{ id: string; wait: number | null; attempts: number }>(
      `select id, extract(epoch from next_attempt_at - now())::float as wait, attempts from messages where lease_until is null`,
    );
    expect(rows.find(({ id }) => id === settled)).toMatchObject({ wait: null, attempts: 1 });
    expect(rows.find(({ id }) => id === open)?.wait).toBeCloseTo(60, 0);
  });

  it('sees what a webhook settles at the same moment', async () => {
    const { db } = database;
    const id = await submit(db);
    await claimDue(db, plain);
    let finished: Promise<void> | undefined;
    await db.transaction(async (webhook) => {
      await webhook.query('select from messages where id = $1 for no key update', [id]);
      await webhook.change(`update recipients set state = 'delivered'`);
      finished = db.transaction(async (worker) => {
        await settleRecipients(worker, [{ messageId: id, attemptId: 'att_1', settlements: [] }]);
        await finishClaims(worker, [{ ...end, id }]);
      });
      await until(
        () =>
          db.query(
            `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
          ),
        (rows) => rows.length > 0,
      );
    });
    await finished;
    expect(await db.query('select next_attempt_at from messages')).toEqual([{ next_attempt_at: null }]);
  });

  it('changes nothing when another attempt has the message', async () => {
    const { db } = database;
    const id = await submit(db);
    await claimDue(db, { ...plain, attemptId: 'att_2' });
    await finishClaims(db, [{ ...end, id }]);
    expect(await db.query('select attempt_id, attempts from messages')).toEqual([
      { attempt_id: 'att_2', attempts: 0 },
    ]);
  });

  it('can be brought about by webhooks alone, but not under a worker that holds it', async () => {
    const { db } = database;
    const id = await submit(db);
    await db.change(`update recipients set state = 'delivered'`);
    const claimed = await claimDue(db, plain);
    expect(await closeSettled(db, [id])).toBe(0);
    await giveBack(db, claimed);
    expect(await closeSettled(db, [id])).toBe(1);
  });
});

describe('settling recipients', () => {
  const accepted = { position: 0, address: 'ann@example.test', state: 'accepted', detail: '' } as const;

  async function begun(): Promise<string> {
    const id = await submit(database.db);
    await claimDue(database.db, plain);
    await beginHandover(database.db, { ...intent, id });
    return id;
  }

  it('changes nothing the second time', async () => {
    const settled = {
      messageId: await begun(),
      attemptId: 'att_1',
      settlements: [{ ...accepted, name: { id: 7, token: 't' } }],
    };
    const changed = new Set([recipientKey(settled.messageId, 0)]);
    expect(await settleRecipients(database.db, [settled])).toEqual(changed);
    expect(await settleRecipients(database.db, [settled])).toEqual(new Set());
    const rows = await database.db.query('select state, postal_id::integer, postal_token from recipients');
    expect(rows).toEqual([{ state: 'accepted', postal_id: 7, postal_token: 't' }]);
  });

  it('does not undo what a webhook said first, but learns the name', async () => {
    const messageId = await begun();
    await database.db.change(`update recipients set state = 'delivered'`);
    const settlements = [{ ...accepted, name: { id: 7, token: 't' } }];
    expect(await settleRecipients(database.db, [{ messageId, attemptId: 'att_1', settlements }])).toEqual(
      new Set(),
    );
    const rows = await database.db.query('select state, postal_id::integer from recipients');
    expect(rows).toEqual([{ state: 'delivered', postal_id: 7 }]);
  });

  it('does not speak for another attempt', async () => {
    const messageId = await begun();
    const settlements = [accepted];
    expect(await settleRecipients(database.db, [{ messageId, attemptId: 'att_2', settlements }])).toEqual(
      new Set(),
    );
  });
});

describe('settling recipients of several messages at once', () => {
  it('tells them apart by message and attempt', async () => {
    const { db } = database;
    const [one = '', two = '', foreign = ''] = await submitMany(3);
    await claimDue(db, plain);
    for (const id of [one, two, foreign]) await beginHandover(db, { ...intent, id });
    const settled = (messageId: string, state: 'accepted' | 'failed', attemptId = 'att_1') => ({
      messageId,
      attemptId,
      settlements: [{ position: 0, address: 'ann@example.test', state, detail: '' }],
    });
    const changed = await settleRecipients(db, [
      settled(two, 'failed'),
      settled(one, 'accepted'),
      settled(foreign, 'accepted', 'att_2'),
    ]);
    expect(changed).toEqual(new Set([recipientKey(one, 0), recipientKey(two, 0)]));
    const rows = await db.query<{ id: string; state: string }>(
      'select message_id as id, state from recipients order by message_id',
    );
    expect(new Map(rows.map(({ id, state }) => [id, state]))).toEqual(
      new Map([
        [one, 'accepted'],
        [two, 'failed'],
        [foreign, 'sending'],
      ]),
    );
  });
});

describe('the figures of the queue', () => {
  it('count what is due and how long the oldest has waited', async () => {
    const { db } = database;
    expect(await queueFigures(db)).toEqual({ due: 0, oldestSeconds: 0, uncertain: 0, held: 0 });
    await submit(db, { receivedAt: minutesAgo(10) });
    await submit(db, { sendAt: new Date(Date.now() + 60_000) });
    const figures = await queueFigures(db);
    await submit(db, { to: ['a@b.test', 'c@d.test'], sendAt: new Date(Date.now() + 60_000) });
    await db.change(
      `update recipients set state = case position when 0 then 'held' else 'uncertain' end where address in ('a@b.test', 'c@d.test')`,
    );
    expect(await queueFigures(db)).toMatchObject({ due: 1, held: 1, uncertain: 1 });
    expect(figures.due).toBe(1);
    expect(figures.oldestSeconds).toBeCloseTo(600, -1);
  });
});
