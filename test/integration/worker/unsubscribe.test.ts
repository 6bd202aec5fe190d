import { afterEach, beforeEach, expect, it } from 'vitest';

import { readUnsubscribeToken } from '../../../src/domain/unsubscribe.ts';
import { wishUnsubscribe } from '../../../src/store/unsubscribe.ts';
import { until } from '../../store/until.ts';
import { openRig, type Rig, unsubscribeKey } from './rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await openRig();
});
afterEach(async () => {
  await rig[Symbol.asyncDispose]();
});

/** The List-Unsubscribe of a delivered copy, opened, and its List-Unsubscribe-Post. */
function linkIn(to: string) {
  const [entry] = rig.postal.mailbox(to);
  const text = rig.postal.delivered(entry?.id ?? 0)?.toString('latin1') ?? '';
  const token =
    /^List-Unsubscribe: <https:\/\/api\.acme\.test\/unsubscribe\?t=([\w-]+)>\r$/m.exec(text)?.[1] ?? '';
  return {
    means: readUnsubscribeToken(token, [unsubscribeKey]),
    post: /^List-Unsubscribe-Post: (.*)\r$/m.exec(text)?.[1],
    fields: text.match(/^(?:List-Unsubscribe|X-Mailctl-Unsubscribe)/gim)?.length ?? 0,
  };
}

it('gives each recipient of a message a link of its own, one call each, and the others none', async () => {
  const to = ['ann@example.test', 'bob@example.test', 'carl@example.test'];
  const id = await rig.submit({ to });
  await wishUnsubscribe(rig.db, [{ id, wish: 'tag' }]);
  const plain = await rig.submit({ to: ['dora@example.test', 'eve@example.test'] });
  await rig.work();
  for (const message of [id, plain])
    await until(
      () => rig.recipients(message),
      (rows) => rows.every(({ state }) => state === 'delivered'),
    );

  for (const address of to)
    expect(linkIn(address)).toEqual({
      means: { messageId: id, address, scope: 'greeting' },
      post: 'List-Unsubscribe=One-Click',
      fields: 2,
    });
  expect(linkIn('dora@example.test')).toEqual({ means: undefined, post: undefined, fields: 0 });
  expect(rig.postal.rows()).toHaveLength(5);
});

it('ends all mail where that was asked for', async () => {
  const id = await rig.submit();
  await wishUnsubscribe(rig.db, [{ id, wish: 'all' }]);
  await rig.work();
  await until(
    () => rig.recipients(id),
    ([row]) => row?.state === 'delivered',
  );
  expect(linkIn('ann@example.test').means).toEqual({ messageId: id, address: 'ann@example.test', scope: '' });
});
