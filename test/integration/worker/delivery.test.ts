import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { addSuppressions } from '../../../src/store/suppressions.ts';
import { until } from '../../store/until.ts';
import { listenAsAms, openRig, type Rig } from './rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await openRig();
});
afterEach(async () => {
  await rig[Symbol.asyncDispose]();
});

describe('from the queue through Postal and back to AMS', () => {
  it('delivers a message, learns its fate from Postal, and tells AMS with a signature that verifies', async () => {
    await using ams = await listenAsAms();
    const { secret } = await rig.subscribe(ams.url);
    await rig.work();

    const id = await rig.submit({ to: ['ann@example.test', 'hardfail@example.test'] });

    await until(
      () => rig.recipients(id),
      (rows) => rows[0]?.state === 'delivered' && rows[1]?.state === 'failed',
    );
    expect(await rig.events(id)).toEqual(
      expect.arrayContaining(['received', 'accepted', 'accepted', 'delivered', 'failed']),
    );
    const heard = await until(
      () => ams.heard,
      (all) => all.length >= 4,
    );
    const told = heard.map(({ headers, body }) =>
      new Webhook(secret.reveal()).verify(body, headers as Record<string, string>),
    ) as { type: string; data: { message_id: string; recipient: string; metadata: object } }[];
    expect(told.map(({ type, data }) => `${type} ${data.recipient}`).toSorted()).toEqual([
      'message.accepted ann@example.test',
      'message.accepted hardfail@example.test',
      'message.delivered ann@example.test',
      'message.failed hardfail@example.test',
    ]);
    expect(told[0]?.data).toMatchObject({ message_id: id, metadata: { order: '7' } });
  });

  it('sends nothing to an address that is suppressed, for all mail or for this tag, and tells AMS why', async () => {
    await using ams = await listenAsAms();
    await rig.subscribe(ams.url, ['message.suppressed']);
    const list = { evidence: '', expiresAt: undefined };
    await addSuppressions(rig.db, [
      { ...list, address: 'Gone@example.test', scope: '', reason: 'bounce' },
      { ...list, address: 'weary@example.test', scope: 'greeting', reason: 'unsubscribe' },
      { ...list, address: 'ann@example.test', scope: 'another tag', reason: 'unsubscribe' },
      {
        ...list,
        address: 'bob@example.test',
        scope: '',
        reason: 'manual',
        expiresAt: new Date(Date.now() - 1000),
      },
    ]);
    await rig.work();
    const id = await rig.submit({
      to: ['gone@Example.test', 'ann@example.test', 'weary@example.test', 'bob@example.test'],
    });

    await until(
      () => rig.recipients(id),
      (rows) => rows.map(({ state }) => state).join(' ') === 'suppressed delivered suppressed delivered',
    );
    expect(rig.postal.mailbox()).toHaveLength(2);
    const heard = await until(
      () => ams.heard,
      (all) => all.length === 2,
    );
    expect(heard.map(({ body }) => JSON.parse(body).data.detail.reason).toSorted()).toEqual([
      'bounce',
      'unsubscribe',
    ]);
  });

  it('takes a message out of the queue when nobody is left to send it to', async () => {
    await addSuppressions(rig.db, [
      { address: 'ann@example.test', scope: '', reason: 'manual', evidence: '', expiresAt: undefined },
    ]);
    await rig.work();
    const id = await rig.submit();
    await until(
      () =>
        rig.db.query('select id from messages where next_attempt_at is not null or lease_until is not null'),
      (left) => left.length === 0,
    );
    expect((await rig.recipients(id)).map(({ state }) => state)).toEqual(['suppressed']);
    expect(rig.postal.mailbox()).toEqual([]);
  });

  it('hands over each message once, with our key as mail_from and nothing left in the queue', async () => {
    await rig.work({ POSTAL_RECIPIENTS_PER_CALL: '2' });
    const to = ['a@example.test', 'b@example.test', 'c@example.test', 'd@example.test', 'e@example.test'];
    const ids = [await rig.submit({ to }), await rig.submit(), await rig.submit({ mailFrom: '' })];

    for (const id of ids)
      await until(
        () => rig.recipients(id),
        (rows) => rows.every((row) => row.state === 'delivered'),
      );

    expect(rig.postal.mailbox()).toHaveLength(7);
    await until(
      () =>
        rig.db.query('select id from messages where next_attempt_at is not null or lease_until is not null'),
      (left) => left.length === 0,
    );
  });
});

describe('a worker with more to do than Postal takes', () => {
  it("hands over what is urgent first, somebody else's mail between a campaign, and a part of what has stood back for long", async () => {
    const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000);
    const campaign = { tag: 'campaign', receivedAt: hoursAgo(3), to: ['campaign@example.test'] };
    for (let number = 0; number < 60; number += 1) await rig.submit(campaign);
    await rig.submit({ tag: 'reset', to: ['reset@example.test'] });
    await rig.submit({ priority: 'high', to: ['high@example.test'] });
    await rig.submit({ priority: 'low', receivedAt: hoursAgo(2), to: ['aged@example.test'] });
    await rig.submit({ priority: 'low', to: ['low@example.test'] });
    await rig.work({ WORKER_BATCH: '8', POSTAL_CONCURRENCY: '1' });

    const rows = await until(
      () => rig.postal.rows(),
      (seen) => seen.length === 64,
    );
    const order = rows.toSorted((one, other) => one.id - other.id).map(({ rcpt_to: to }) => to.split('@')[0]);
    const campaigns = (count: number) => Array.from({ length: count }, () => 'campaign');
    expect(order.slice(0, 8)).toEqual(['high', ...campaigns(6), 'reset']);
    expect(order.slice(8, 16)).toEqual(['aged', ...campaigns(7)]);
    expect(order.slice(16)).toEqual([...campaigns(47), 'low']);
  });
});
