import { connect as connectTls, type TLSSocket } from 'node:tls';

import { createTransport } from 'nodemailer';
import { describe, expect, it } from 'vitest';

import { ann, annPlain, runDoor, type RunningDoor, writeCertificate } from './running-door.ts';
import { dial, type SmtpClient } from './smtp-client.ts';

const transaction = 'MAIL FROM:<ann@example.com>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n';
const message = 'From: ann@example.com\r\n\r\nHello\r\n.\r\n';

function at(running: RunningDoor, name: 'submission' | 'tls' | 'private') {
  return running.door.addresses[name] ?? { host: '', port: 0 };
}

async function inside(running: RunningDoor): Promise<SmtpClient> {
  const client = await dial(at(running, 'private'));
  await client.reply();
  await client.ask('EHLO app.example.com');
  expect(await client.ask(`AUTH PLAIN ${annPlain}`)).toMatch(/^235 /);
  return client;
}

describe('patience on real sockets', () => {
  it.each<[string, Record<string, string>, string]>([
    ['is silent', { RELAY_IDLE_TIMEOUT: '60ms' }, ''],
    ['does not log in', { RELAY_LOGIN_TIMEOUT: '60ms' }, 'EHLO app.example.com\r\n'],
    ['stops in a line', { RELAY_IDLE_TIMEOUT: '60ms' }, 'EHLO app.exa'],
    ['stops in a login', { RELAY_IDLE_TIMEOUT: '60ms' }, 'EHLO app.example.com\r\nAUTH LOGIN\r\n'],
    [
      'stops in a message',
      { RELAY_IDLE_TIMEOUT: '60ms' },
      `EHLO app.example.com\r\nAUTH PLAIN ${annPlain}\r\n${transaction}From: a`,
    ],
  ])('ends with a client that %s', async (_, variables, said) => {
    await using running = await runDoor(variables);
    const client = await dial(at(running, 'private'));
    client.send(said);

    expect(await client.closed()).toMatch(/^220 [^]*421 4\.4\.2 relay\.example\.com waited too long\r\n$/);
    client.socket.destroy();
  });

  it('ends with a client that drips a message', async () => {
    await using running = await runDoor({ RELAY_DATA_TIMEOUT: '150ms' });
    const client = await inside(running);
    client.send(transaction);
    const drip = setInterval(() => client.send('x'), 20);

    expect(await client.closed()).toMatch(/354 .*\r\n421 4\.4\.2 .*\r\n$/);
    clearInterval(drip);
    client.socket.destroy();
    expect(running.kept).toEqual([]);
    expect(running.budget.used()).toBe(0);
  });

  it.each(['tls', 'submission'] as const)('ends with a handshake that does not on %s', async (listener) => {
    await using running = await runDoor({ RELAY_TLS_HANDSHAKE_TIMEOUT: '60ms' });
    const client = await dial(at(running, listener));
    if (listener === 'submission') {
      await client.reply();
      await client.ask('EHLO app.example.com');
      await client.ask('STARTTLS');
    }
    client.send('\x16\x03\x01');

    expect(await client.closed()).toBe('');
    client.socket.destroy();
  });

  it('drops a client that does not hang up after the last reply', async () => {
    await using running = await runDoor({ RELAY_LINGER_TIMEOUT: '60ms' });
    const client = await dial(at(running, 'private'));
    await client.reply();
    await client.ask('QUIT');
    await expect.poll(() => running.door.openSessions()).toBe(0);
    client.socket.destroy();
  });

  it('stops listening to a client that does not read, and ends with it', async () => {
    await using running = await runDoor({
      RELAY_IDLE_TIMEOUT: '300ms',
      RELAY_LINGER_TIMEOUT: '50ms',
      RELAY_MAX_COMMANDS: '100000000',
    });
    const client = await dial(at(running, 'private'));
    await client.reply();
    client.socket.pause();
    for (let n = 0; n < 400; n += 1) client.send('HELP\r\n'.repeat(10_000));
    await expect.poll(() => running.door.openSessions(), { timeout: 5_000 }).toBe(0);

    client.socket.destroy();
  });
});

describe('the door', () => {
  it('throws away what was said in plain text behind STARTTLS', async () => {
    await using running = await runDoor();
    const client = await dial(at(running, 'submission'));
    await client.reply();
    await client.ask('EHLO app.example.com');
    expect(await client.ask('STARTTLS\r\nEHLO injected.example.com\r\nNOOP')).toMatch(/^220 /);
    await client.startTls();

    expect(await client.ask('MAIL FROM:<>')).toBe('503 5.5.1 Send EHLO first\r\n');
    client.socket.destroy();
  });

  it('turns away a client that talks into the pause before the greeting', async () => {
    await using running = await runDoor({ RELAY_GREETING_DELAY: '10s' });
    const client = await dial(at(running, 'private'));
    client.send('EHLO early.example.com\r\n');

    expect(await client.closed()).toBe('554 5.5.1 You spoke before the greeting\r\n');
  });

  it('takes no more clients than it may, and another one when one has left', async () => {
    await using running = await runDoor({ RELAY_MAX_CONNECTIONS: '1' });
    const first = await dial(at(running, 'private'));
    await first.reply();
    const second = await dial(at(running, 'private'));
    expect(await second.closed()).toBe('421 4.3.2 Too many connections, try again later\r\n');
    second.socket.destroy();
    await first.ask('QUIT');
    first.socket.destroy();
    await expect.poll(() => running.door.openSessions()).toBe(0);
    const third = await dial(at(running, 'private'));

    expect(await third.reply()).toMatch(/^220 /);
    third.socket.destroy();
  });

  it('wastes no words on a flood of clients', async () => {
    await using running = await runDoor({ RELAY_MAX_CONNECTIONS: '1' });
    const first = await dial(at(running, 'private'));
    await first.reply();
    const second = await dial(at(running, 'private'));
    expect(await second.closed()).toMatch(/^421 /);
    const third = await dial(at(running, 'private'));

    expect(await third.closed()).toBe('');
    for (const client of [first, second, third]) client.socket.destroy();
  });

  it('takes of ten thousand recipients as many as it may, and ends with who does not stop', async () => {
    await using running = await runDoor();
    const client = await inside(running);
    const recipients = Array.from({ length: 10_000 }, (_, one) => `RCPT TO:<r${one}@example.org>\r\n`);
    client.send(`MAIL FROM:<ann@example.com>\r\n${recipients.join('')}`);
    const said = await client.closed();
    const count = (reply: RegExp) => said.match(reply)?.length ?? 0;

    expect(count(/^250 2\.1\.5 /gm)).toBe(100);
    expect(count(/^452 4\.5\.3 /gm)).toBeGreaterThan(800);
    expect(count(/^\d/gm)).toBeLessThanOrEqual(1_000);
    expect(said).toMatch(/\r\n421 4\.7\.0 Too many commands\r\n$/);
    client.socket.destroy();
  });

  it('answers a client that has closed its half', async () => {
    await using running = await runDoor();
    const { keep } = running;
    running.keep = async (submission) => {
      await expect.poll(() => client.socket.writableFinished).toBe(true);
      const later = await dial(at(running, 'private'));
      await later.reply();
      later.socket.destroy();
      return keep(submission);
    };
    const client = await dial(at(running, 'private'));
    client.socket.end(`EHLO app.example.com\r\nAUTH PLAIN ${annPlain}\r\n${transaction}${message}`);

    expect(await client.closed()).toMatch(/\r\n250 2\.0\.0 Ok: queued as msg_\w+\r\n$/);
    expect(running.kept).toHaveLength(1);
  });

  it('keeps nothing of a client that leaves in the middle', async () => {
    await using running = await runDoor({ RELAY_SPILL_BYTES: '1KB' });
    const client = await inside(running);
    client.send(`${transaction}From: ann@example.com\r\n\r\n${'a line\r\n'.repeat(50_000)}`);
    await expect.poll(() => running.budget.used() + client.socket.bytesWritten).toBeGreaterThan(0);
    client.socket.destroy();
    await expect.poll(() => running.door.openSessions()).toBe(0);
    await expect.poll(() => running.budget.used()).toBe(0);

    expect(running.kept).toEqual([]);
  });

  it('refuses TLS before 1.2', async () => {
    await using running = await runDoor();
    const { host, port } = at(running, 'tls');
    const options = { host, port, rejectUnauthorized: false, ciphers: 'DEFAULT@SECLEVEL=0' };
    const old = connectTls({ ...options, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' });
    const outcome = await new Promise<string>((resolve) => {
      old.once('secureConnect', () => resolve('connected'));
      old.once('error', () => resolve('refused'));
    });

    expect(outcome).toBe('refused');
    old.destroy();
  });

  it('serves a new certificate to new clients, while old ones go on', async () => {
    await using running = await runDoor();
    const old = await dial(at(running, 'tls'), 'tls');
    await old.reply();
    const before = running.certificate.serial();
    await writeCertificate(running.folder, 'new');
    expect(await running.certificate.reload()).toBe(true);
    const fresh = await dial(at(running, 'tls'), 'tls');
    await fresh.reply();
    const serial = (fresh.socket as TLSSocket).getPeerCertificate().serialNumber;

    expect(serial).toBe(running.certificate.serial());
    expect(serial).not.toBe(before);
    expect(await old.ask('NOOP')).toBe('250 2.0.0 Ok\r\n');
    expect(await running.registry.metrics()).toContain(`serial="${serial}"`);
    old.socket.destroy();
    fresh.socket.destroy();
  });

  it('keeps the certificate it has when the new one is none', async () => {
    await using running = await runDoor();
    const before = running.certificate.serial();
    const { writeFile } = await import('node:fs/promises');
    await writeFile(`${running.folder}/cert.pem`, 'no certificate');

    expect(await running.certificate.reload()).toBe(false);
    expect(running.certificate.serial()).toBe(before);
    const client = await dial(at(running, 'tls'), 'tls');
    expect(await client.reply()).toMatch(/^220 /);
    client.socket.destroy();
  });

  it('takes mail from nodemailer, over STARTTLS and over TLS', async () => {
    await using running = await runDoor();
    for (const listener of ['submission', 'tls'] as const) {
      const transport = createTransport({
        ...at(running, listener),
        secure: listener === 'tls',
        requireTLS: true,
        auth: { user: ann.username, pass: ann.password },
        tls: { rejectUnauthorized: false },
      });
      const sent = await transport.sendMail({
        from: 'Ann <ann@example.com>',
        to: 'bob@example.org',
        bcc: 'eve@example.org',
        subject: 'Hällo',
        text: '.\n..\n' + 'x'.repeat(3_000),
      });
      expect(sent.response).toMatch(/^250 2\.0\.0 Ok: queued as msg_/);
      transport.close();
    }

    expect(running.kept.map(({ envelope }) => envelope.rcptTo)).toEqual([
      ['bob@example.org', 'eve@example.org'],
      ['bob@example.org', 'eve@example.org'],
    ]);
    expect(running.kept[0]?.dedupe?.key).toMatch(/^<.*@example\.com>$/);
  });
});

describe('a stop on real sockets', () => {
  it('lets a message in flight finish, and takes nobody new', async () => {
    await using running = await runDoor();
    const sending = await inside(running);
    const idle = await inside(running);
    sending.send(`${transaction}From: ann@example.com\r\n\r\nHello\r\n`);
    expect(await sending.reply()).toMatch(/^250 /);
    expect(await sending.reply()).toMatch(/^250 /);
    expect(await sending.reply()).toMatch(/^354 /);
    const closed = running.door.close();

    expect(await idle.closed()).toMatch(/^421 4\.3\.2 /);
    idle.socket.destroy();
    const late = await dial(at(running, 'private'));
    expect(await late.closed()).toBe('');
    sending.send('.\r\n');
    expect(await sending.closed()).toMatch(/^250 2\.0\.0 Ok: queued as msg_\w+\r\n421 4\.3\.2 .*\r\n$/);
    sending.socket.destroy();
    await closed;
    expect(running.kept).toHaveLength(1);
  });

  it('cuts off what takes longer than it may', async () => {
    await using running = await runDoor({ RELAY_SHUTDOWN_TIMEOUT: '100ms' });
    const sending = await inside(running);
    sending.send(`${transaction}From: ann`);
    await sending.reply();
    await running.door.close();

    expect(await sending.closed()).not.toContain('queued');
    expect(running.kept).toEqual([]);
  });

  it('does not wait for a handshake or for a login', async () => {
    await using running = await runDoor();
    const shaking = await dial(at(running, 'tls'));
    shaking.send('\x16\x03\x01');
    const asking = await dial(at(running, 'private'));
    await asking.reply();
    await asking.ask('EHLO app.example.com');
    await asking.ask('AUTH LOGIN');
    await expect.poll(() => running.door.openSessions()).toBe(2);
    const closed = running.door.close();

    expect(await asking.closed()).toMatch(/^421 4\.3\.2 /);
    asking.socket.destroy();
    expect(await shaking.closed()).toBe('');
    await closed;
  });
});
