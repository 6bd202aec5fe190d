import { describe, expect, it } from 'vitest';

import { openRecentMessages } from '../../../src/services/relay/recent-messages.ts';
import { speak } from './spoken.ts';

const login = `EHLO app.example.com\r\nAUTH PLAIN ${Buffer.from('\0ann\0the right password').toString('base64')}\r\n`;

function send(header: string, { to = ['bob@example.org'], text = 'Hello', from = '' } = {}): string {
  const recipients = to.map((each) => `RCPT TO:<${each}>\r\n`).join('');
  return `MAIL FROM:<${from}>\r\n${recipients}DATA\r\nFrom: ann@example.com\r\n${header}\r\n${text}\r\n.\r\n`;
}

/** What is answered to each message, and how many were kept. */
async function sendAll(...messages: readonly string[]) {
  const spoken = speak({ protection: 'private' });
  spoken.conversation.hear(Buffer.from(login + messages.join('')));
  await spoken.settled();
  const replies = spoken.heard().match(/^(?:250 2\.0\.0 .*|554 .*)$/gm) ?? [];
  return { replies, kept: spoken.kept };
}

const id = 'Message-ID: <1@example.com>\r\n';
const key = 'X-Idempotency-Key: order 17\r\n';

describe('a message that is sent again', () => {
  it.each([id, key, id + key])('is answered with the first id when it names itself by %j', async (name) => {
    const { replies, kept } = await sendAll(send(name), send(name));

    expect(kept).toHaveLength(1);
    expect(replies[1]).toBe(replies[0]);
    expect(kept[0]?.dedupe?.digest).toHaveLength(32);
  });

  it('is another message when it names itself not', async () => {
    const { kept } = await sendAll(send(''), send(''));

    expect(kept).toHaveLength(2);
    expect(kept[0]).not.toHaveProperty('dedupe');
  });

  it.each([
    ['goes to others', send(id, { to: ['eve@example.org'] })],
    ['has another reverse-path', send(id, { from: 'ann@example.com' })],
    ['has other octets', send(id, { text: 'Hello again' })],
    ['has another id', send('Message-ID: <2@example.com>\r\n')],
  ])('is another message when it %s', async (_, other) => {
    expect((await sendAll(send(id), other)).kept).toHaveLength(2);
  });

  it('is the same whatever the order of its recipients', async () => {
    const one = send(id, { to: ['bob@example.org', 'eve@example.org'] });
    const two = send(id, { to: ['eve@example.org', 'bob@example.org'] });

    expect((await sendAll(one, two)).kept).toHaveLength(1);
  });

  it('is refused when its idempotency key stood for other octets', async () => {
    const { replies, kept } = await sendAll(send(key), send(key, { text: 'Something else' }));

    expect(replies[1]).toBe('554 5.7.1 This X-Idempotency-Key was used for another message');
    expect(kept).toHaveLength(1);
  });

  it('is accepted when it goes on to the recipients that were too many for the first', async () => {
    const { kept } = await sendAll(send(key), send(key, { to: ['eve@example.org'] }));

    expect(kept).toHaveLength(2);
  });

  it('does not carry its key on', async () => {
    const { kept } = await sendAll(send(key));

    expect(Buffer.from(kept[0]?.raw ?? []).toString()).not.toContain('order 17');
    expect(kept[0]?.dedupe?.key).toBe('order 17');
  });
});

it('forgets what is old, and what is too much', () => {
  const clock = { now: 0 };
  const recent = openRecentMessages({ monotonicMs: () => clock.now }, { windowMs: 100, most: 2 });
  const named = (key: string) => ({
    dedupe: { key, digest: Buffer.alloc(32, key) },
    credentialId: 'usr_ann',
    explicit: undefined,
  });
  for (const name of ['a', 'b', 'c']) recent.note(named(name), `msg_${name}`);

  expect(recent.find(named('a'))).toBeUndefined();
  expect(recent.find(named('c'))).toEqual({ first: 'msg_c' });
  clock.now = 100;
  expect(recent.find(named('c'))).toBeUndefined();
});
