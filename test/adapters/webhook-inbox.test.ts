import { once } from 'node:events';
import { connect } from 'node:net';

import { expect, it } from 'vitest';

import { openWebhookInbox } from '../../src/adapters/webhook-inbox.ts';

it('outlives a sender that leaves in the middle of its webhook, and takes the next one', async () => {
  await using inbox = await openWebhookInbox({ listen: { host: '127.0.0.1', port: 0 }, keep: 2 });
  const url = `http://127.0.0.1:${inbox.port}/`;
  const sender = connect(inbox.port, '127.0.0.1');
  sender.write('POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n');
  await once(sender, 'data');
  sender.resetAndDestroy();
  await once(sender, 'close');

  expect((await fetch(url, { method: 'POST', body: 'whole' })).status).toBe(200);
  expect(inbox.received().map(({ body }) => body)).toEqual(['whole']);
});
