import { connect, createServer } from 'node:net';
import { describe, expect, test } from 'vitest';

import { frozenClock } from './clocks.ts';
import { askSurely } from './http-client.ts';
import { htmlMail, startTestPostal, type TestPostal } from './stand-in.ts';
import { startReceiver } from './webhook-receiver.ts';

describe('the stand-in', () => {
  test('says where it listens', async () => {
    await using running = await startTestPostal();
    const { addresses, url, mailboxUrl } = running.postal;
    expect(url).toBe(`http://127.0.0.1:${addresses['web']?.port}`);
    expect((await askSurely(url, { path: new URL(mailboxUrl).pathname })).status).toBe(200);
  });

  test('stops at once and twice, whatever still waits for a retry, an answer or its pace', async () => {
    await using receiver = await startReceiver();
    receiver.answer('silence');
    const running = await startTestPostal(
      {
        webhook: { url: receiver.url, timeoutMs: 60_000 },
        pace: { acceptPerSecond: 0, deliverPerSecond: 0 },
      },
      { clock: frozenClock() },
    );
    running.postal.order({ kind: 'slow-answer', scope: { mail_from: 'slow@acme.test' } });
    await running.sendRaw(['softfail@x.test', 'bob@x.test']);
    await receiver.next(({ event }) => event === 'MessageSent');
    const slow = running.sendRaw(['bob@x.test'], { mailFrom: 'slow@acme.test' });
    await untilStored(running, 'slow@acme.test');
    await running.postal.stop();
    await running.postal.stop();
    expect(await slow).toMatchObject({ status: 200 });
  });

  test('stops although a client never finishes its request', async () => {
    const running = await startTestPostal();
    const { port = 0 } = running.postal.addresses['web'] ?? {};
    const client = connect(port, '127.0.0.1', () =>
      client.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12'),
    );
    const ended = new Promise<void>((resolve) =>
      client.on('close', () => resolve()).on('error', () => undefined),
    );
    await new Promise<void>((resolve) => client.once('drain', resolve).once('connect', resolve));
    await running.postal.stop();
    await ended;
  });

  test('fails to start on a port that is taken', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const address = taken.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    await expect(startTestPostal({ listen: { host: '127.0.0.1', port } })).rejects.toThrow('EADDRINUSE');
    await new Promise((resolve) => taken.close(resolve));
  });

  test('accepts mail from every verified domain and signs as that domain', async () => {
    await using running = await startTestPostal({ domains: ['acme.test', 'Other.Test'] });
    const message = htmlMail().replace('news@acme.test', 'news@OTHER.test');
    const { id } = await running.sendOne('bob@x.test', { message });
    await running.postal.idle();
    expect(running.postal.delivered(id)?.toString()).toContain('d=other.test;');
    expect(running.postal.mailbox('bob@x.test')).toMatchObject([
      { envelope_from: expect.stringMatching(/@psrp\.other\.test$/) },
    ]);
  });
});

async function untilStored(running: TestPostal, mailFrom: string): Promise<void> {
  for (let turn = 0; turn < 1000; turn += 1) {
    const { messages } = await running.control<{ messages: object[] }>(`messages.json?mail_from=${mailFrom}`);
    if (messages.length > 0) return;
  }
  throw new Error('it was never stored');
}
