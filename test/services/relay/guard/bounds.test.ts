import { expect, it } from 'vitest';

import type { Credential } from '../../../../src/services/relay/session.ts';
import { ann, annPlain, runDoor, type RunningDoor } from '../running-door.ts';
import { dial, type SmtpClient } from '../smtp-client.ts';

const credential: Credential = { id: 'usr_ann', username: ann.username, senderDomains: ['example.com'] };
const message = 'From: ann@example.com\r\n\r\nHello\r\n.\r\n';

function tells(running: RunningDoor, bounds: Partial<Credential>): void {
  running.check = async () => ({ outcome: 'accepted', credential: { ...credential, ...bounds } });
}

async function greet({ door }: RunningDoor): Promise<SmtpClient> {
  const client = await dial(door.addresses['private'] ?? { host: '', port: 0 });
  await client.reply();
  await client.ask('EHLO app.example.com');
  return client;
}

async function send(client: SmtpClient): Promise<string> {
  const answer = await client.ask('MAIL FROM:<ann@example.com>');
  if (!answer.startsWith('250')) return answer;
  await client.ask('RCPT TO:<bob@example.org>');
  await client.ask('DATA');
  client.send(message);
  return client.reply();
}

it('answers the right password from a network that is not allowed in the words of a wrong one', async () => {
  await using running = await runDoor();
  tells(running, { networks: ['192.0.2.0/24'] });
  const client = await greet(running);
  expect(await client.ask(`AUTH PLAIN ${annPlain}`)).toBe('535 5.7.8 Authentication credentials invalid\r\n');
  client.socket.destroy();
});

it('lets in from a network that is allowed, until it is allowed no longer', async () => {
  await using running = await runDoor({ SMTP_AUTH_CACHE_TTL: '0s' });
  tells(running, { networks: ['192.0.2.0/24', '127.0.0.0/8'] });
  const client = await greet(running);
  expect(await client.ask(`AUTH PLAIN ${annPlain}`)).toMatch(/^235 /);
  expect(await send(client)).toMatch(/^250 /);
  tells(running, { networks: ['192.0.2.0/24'] });
  expect(await send(client)).toMatch(/^535 5\.7\.8 /);
  client.socket.destroy();
});

it('answers 450 at MAIL when the rate is used up, in every session, and the session goes on', async () => {
  await using running = await runDoor();
  tells(running, { rate: { messages: 2, periodMs: 3_600_000 } });
  const [one, two] = [await greet(running), await greet(running)];
  for (const client of [one, two]) expect(await client.ask(`AUTH PLAIN ${annPlain}`)).toMatch(/^235 /);
  expect(await send(one)).toMatch(/^250 /);
  expect(await send(two)).toMatch(/^250 /);
  expect(await send(one)).toMatch(
    /^450 4\.7\.1 The rate of 2\/1h is used up, try again in 1[78]\d\d seconds\r\n$/,
  );
  expect(await one.ask('NOOP')).toMatch(/^250 /);
  expect(running.kept).toHaveLength(2);
  for (const client of [one, two]) client.socket.destroy();
});

it('answers 450 at MAIL when the day is used up', async () => {
  await using running = await runDoor();
  tells(running, { daily: { limit: 10, sent: 9, at: new Date().toISOString() } });
  const client = await greet(running);
  await client.ask(`AUTH PLAIN ${annPlain}`);
  expect(await send(client)).toMatch(/^250 /);
  expect(await send(client)).toMatch(
    /^450 4\.7\.1 The limit of 10 messages a day is used up, try again in \d+ seconds\r\n$/,
  );
  client.socket.destroy();
});
