import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

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
