import { expect, it } from 'vitest';

import { ann, annPlain, runDoor } from './running-door.ts';
import { dial, type SmtpClient } from './smtp-client.ts';

const message =
  'From: Ann <ann@example.com>\r\nTo: bob@example.org\r\nSubject: Hello\r\n\r\nHello\r\n..dot\r\n';

async function logIn(client: SmtpClient): Promise<void> {
  expect(await client.ask('EHLO app.example.com')).toContain('AUTH PLAIN LOGIN');
  expect(await client.ask(`AUTH PLAIN ${annPlain}`)).toMatch(/^235 2\.7\.0 /);
}

it('accepts a message after STARTTLS and AUTH, and says under which id it is kept', async () => {
  await using running = await runDoor();
  const client = await dial(running.door.addresses['submission'] ?? { host: '', port: 0 });

  expect(await client.reply()).toBe('220 relay.example.com ESMTP mailctl\r\n');
  expect(await client.ask('EHLO app.example.com')).not.toContain('AUTH');
  expect(await client.ask('STARTTLS')).toMatch(/^220 /);
  await client.startTls();
  await logIn(client);
  expect(await client.ask('MAIL FROM:<ann@example.com>')).toBe('250 2.1.0 Ok\r\n');
  expect(await client.ask('RCPT TO:<bob@example.org>')).toBe('250 2.1.5 Ok\r\n');
  expect(await client.ask('DATA')).toMatch(/^354 /);
  const reply = await client.ask(`${message}.`);

  const [submission] = running.kept;
  expect(reply).toBe(`250 2.0.0 Ok: queued as ${submission?.id}\r\n`);
  expect(submission?.envelope).toEqual({ mailFrom: 'ann@example.com', rcptTo: ['bob@example.org'] });
  expect(Buffer.from(submission?.raw ?? []).toString()).toContain('\r\n\r\nHello\r\n.dot\r\n');
  expect(await client.ask('QUIT')).toBe('221 2.0.0 Bye\r\n');
  expect(await client.closed()).toBe('');
});

it('speaks TLS from the first octet where it should', async () => {
  await using running = await runDoor();
  const client = await dial(running.door.addresses['tls'] ?? { host: '', port: 0 }, 'tls');

  expect(await client.reply()).toMatch(/^220 /);
  await logIn(client);
  client.send(`MAIL FROM:<ann@example.com>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n${message}.\r\nQUIT\r\n`);

  expect(await client.closed()).toMatch(
    /^250 .*\r\n250 .*\r\n354 .*\r\n250 2\.0\.0 Ok: queued as msg_.*\r\n221 .*\r\n$/,
  );
  expect(running.kept).toHaveLength(1);
});

it('asks for a password in a private network too', async () => {
  await using running = await runDoor();
  const client = await dial(running.door.addresses['private'] ?? { host: '', port: 0 });

  await client.reply();
  await client.ask('EHLO app.example.com');
  expect(await client.ask('MAIL FROM:<ann@example.com>')).toBe('530 5.7.0 Authentication required\r\n');
  expect(await client.ask('AUTH LOGIN')).toBe('334 VXNlcm5hbWU6\r\n');
  expect(await client.ask(Buffer.from(ann.username).toString('base64'))).toBe('334 UGFzc3dvcmQ6\r\n');
  expect(await client.ask(Buffer.from('wrong').toString('base64'))).toMatch(/^535 5\.7\.8 /);
  client.socket.destroy();
});
