import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';

import { expect, it } from 'vitest';

import { systemDisk } from '../../../src/adapters/disk.ts';
import { annPlain, writeCertificate } from './running-door.ts';
import { figure, isReady, lastingFolder, listenAsApi, logIn, runRelay, submit } from './running-relay.ts';
import { dial } from './smtp-client.ts';

const hello = 'From: ann@example.com\r\n\r\nHello\r\n';

it('keeps a message on disk before it says 250, and is ready while it can', async () => {
  const api = await listenAsApi();
  const { address } = await runRelay({ API_INTERNAL_URL: api.url });
  const client = await dial(address('private'));
  await client.reply();
  await client.ask('EHLO app.example.com');

  expect(await client.ask(`AUTH PLAIN ${annPlain}`)).toMatch(/^235 /);
  await client.ask('MAIL FROM:<ann@example.com>');
  await client.ask('RCPT TO:<bob@example.org>');
  await client.ask('DATA');
  expect(await client.ask('From: ann@example.com\r\n\r\nHello\r\n.')).toMatch(
    /^250 2\.0\.0 Ok: queued as msg_/,
  );

  const health = await fetch(`http://127.0.0.1:${address('health').port}/health/ready`);
  expect(await health.json()).toMatchObject({ ok: true });
  const metrics = await fetch(`http://127.0.0.1:${address('health').port}/metrics`);
  expect(await metrics.text()).toMatch(/mailctl_relay_accepted_total\{service="relay"\} 1\n/);
  client.socket.destroy();
});

it('is not ready any more while it finishes what is in flight', async () => {
  const api = await listenAsApi();
  const { relay, address } = await runRelay({ API_INTERNAL_URL: api.url });
  const client = await dial(address('private'));
  await client.reply();
  client.send(`EHLO x\r\nAUTH PLAIN ${annPlain}\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n`);
  for (let replies = 0; replies < 5; replies += 1) await client.reply();
  const stopped = relay.stop();
  const health = await fetch(`http://127.0.0.1:${address('health').port}/health/ready`);

  expect(health.status).toBe(503);
  client.send('From: ann@example.com\r\n\r\n.\r\n');
  expect(await client.reply()).toMatch(/^250 2\.0\.0 Ok: queued/);
  client.socket.destroy();
  await stopped;
});

it('answers 454 while the api cannot be asked who the client is', async () => {
  const { address } = await runRelay({ API_INTERNAL_URL: 'http://127.0.0.1:1' });
  const client = await dial(address('private'));
  await client.reply();
  await client.ask('EHLO app.example.com');

  expect(await client.ask(`AUTH PLAIN ${annPlain}`)).toMatch(/^454 4\.7\.0 /);
  client.socket.destroy();
});

it('says which variable is wrong when it cannot start', async () => {
  await expect(runRelay({ RELAY_TLS_CERT_FILE: '/nowhere.pem' })).rejects.toMatchObject({
    code: 'config-invalid',
    field: 'RELAY_TLS_CERT_FILE',
  });
  const off = { RELAY_SUBMISSION_LISTEN: 'off', RELAY_TLS_LISTEN: 'off', RELAY_PRIVATE_LISTEN: 'off' };
  await expect(runRelay(off)).rejects.toMatchObject({
    code: 'config-invalid',
    field: 'RELAY_SUBMISSION_LISTEN',
  });
});

it('leaves the journal to the next start when a port is taken', async () => {
  const api = await listenAsApi();
  const folder = await lastingFolder();
  const journal = { RELAY_JOURNAL_DIR: join(folder, 'journal') };
  const taken = { ...journal, RELAY_PRIVATE_LISTEN: api.url.slice('http://'.length) };

  await expect(runRelay(taken)).rejects.toMatchObject({
    code: 'config-invalid',
    field: 'RELAY_PRIVATE_LISTEN',
  });
  await expect(runRelay(journal)).resolves.toMatchObject({ folder: expect.any(String) });
});

it('serves a known client after a restart while the api is away', async () => {
  const api = await listenAsApi();
  const folder = await lastingFolder();
  const variables = { RELAY_JOURNAL_DIR: join(folder, 'journal'), SMTP_AUTH_CACHE_TTL: '1ms' };
  const before = await runRelay({ ...variables, API_INTERNAL_URL: api.url });
  (await logIn(before.address('private'))).socket.destroy();
  await before.relay.stop();
  const after = await runRelay({ ...variables, API_INTERNAL_URL: 'http://127.0.0.1:1' });
  const client = await logIn(after.address('private'));

  expect(await submit(client, 'From: ann@example.com\r\n\r\nHello\r\n')).toMatch(/^250 2\.0\.0 Ok: queued/);
  client.socket.destroy();
  expect((await stat(join(folder, 'journal', 'logins.json'))).mode & 0o777).toBe(0o600);
  await after.relay.stop();
});

it('refuses senders of domains that Postal has not verified, but no message that it had taken before', async () => {
  const api = await listenAsApi();
  api.verified = ['example.com'];
  const { address } = await runRelay({ API_INTERNAL_URL: api.url, POSTAL_DOMAINS_INTERVAL: '10ms' });
  const isChecking = () => figure(address('health'), 'mailctl_relay_senders_checked{service="relay"}');
  await expect.poll(isChecking, { timeout: 10_000 }).toBe(1);
  const client = await logIn(address('private'));
  const named = 'Message-ID: <1@example.com>\r\nFrom: ann@example.com\r\n\r\nHello\r\n';
  const first = await submit(client, named);
  expect(first).toMatch(/^250 /);

  api.verified = ['example.net'];
  await expect
    .poll(() => submit(client, hello), { timeout: 10_000 })
    .toBe('550 5.7.1 From and Sender must be on a domain verified in Postal, example.com is not\r\n');
  expect(await submit(client, named)).toBe(first);
  api.verified = ['example.com'];
  expect(await submit(client, hello)).toMatch(/^250 /);
  client.socket.destroy();
});

it('checks senders after a restart while the api is away, and puts off those it cannot ask about', async () => {
  const api = await listenAsApi();
  api.verified = ['example.net'];
  const folder = await lastingFolder();
  const variables = { RELAY_JOURNAL_DIR: join(folder, 'journal') };
  const before = await runRelay({ ...variables, API_INTERNAL_URL: api.url });
  (await logIn(before.address('private'))).socket.destroy();
  const file = join(folder, 'journal', 'sender-domains.json');
  await expect
    .poll(
      () =>
        stat(file).then(
          ({ mode }) => mode & 0o777,
          () => 0,
        ),
      { timeout: 10_000 },
    )
    .toBe(0o600);
  await before.relay.stop();
  const after = await runRelay({ ...variables, API_INTERNAL_URL: 'http://127.0.0.1:1' });
  const client = await logIn(after.address('private'));

  expect(await submit(client, hello)).toBe(
    '451 4.7.1 Cannot tell now whether Postal has verified example.com, try again later\r\n',
  );
  client.socket.destroy();
  await after.relay.stop();
});

it('is refused a directory that another relay has, whose process is named', async () => {
  const api = await listenAsApi();
  const folder = await lastingFolder();
  const variables = { RELAY_JOURNAL_DIR: join(folder, 'journal'), API_INTERNAL_URL: api.url };
  const first = await runRelay(variables);

  await expect(runRelay(variables)).rejects.toMatchObject({ code: 'locked', data: { pid: process.pid } });
  const client = await logIn(first.address('private'));
  expect(await submit(client, hello)).toMatch(/^250 /);
  client.socket.destroy();
});

it('answers 452 4.3.1 when its journal is full, and 250 again when the api has taken some', async () => {
  const api = await listenAsApi();
  api.status = 503;
  const { address } = await runRelay({
    API_INTERNAL_URL: api.url,
    RELAY_JOURNAL_MAX_BYTES: '2KB',
    RELAY_SHIP_RETRY_DELAY: '5ms',
    RELAY_SHIP_OPEN_TIME: '5ms',
    RELAY_SHIP_OPEN_MAX: '20ms',
  });
  const client = await logIn(address('private'));
  const replies = [];
  for (let sent = 0; sent < 9; sent += 1) replies.push((await submit(client, hello)).slice(0, 9));

  expect(new Set(replies)).toEqual(new Set(['250 2.0.0', '452 4.3.1']));
  expect(replies.at(-1)).toBe('452 4.3.1');
  expect(await figure(address('health'), 'mailctl_relay_backlog_records{service="relay"}')).toBe(
    replies.indexOf('452 4.3.1'),
  );
  api.status = 200;
  await expect.poll(() => submit(client, hello), { timeout: 10_000 }).toMatch(/^250 /);
  expect(api.stored.size).toBeGreaterThanOrEqual(replies.indexOf('452 4.3.1'));
  client.socket.destroy();
});

it.each([401, 403, 429])(
  'is not ready while the api answers %i to it, goes on accepting, sets nothing aside, and ships all when it may again',
  async (status) => {
    const api = await listenAsApi();
    api.status = status;
    const { address } = await runRelay({ API_INTERNAL_URL: api.url, RELAY_SHIP_REFUSED_DELAY: '10ms' });
    const client = await logIn(address('private'));
    expect(await submit(client, hello)).toMatch(/^250 /);
    const refused = () => figure(address('health'), 'mailctl_relay_refused{service="relay"}');
    await expect.poll(refused, { timeout: 10_000 }).toBe(1);

    expect(await isReady(address('health'))).toBe(false);
    expect(await submit(client, hello)).toMatch(/^250 /);
    api.status = 200;
    await expect.poll(() => api.stored.size, { timeout: 10_000 }).toBe(2);
    await expect.poll(() => isReady(address('health')), { timeout: 10_000 }).toBe(true);
    expect(await refused()).toBe(0);
    const aside = 'mailctl_relay_set_aside_records{kind="refused",service="relay"}';
    expect(await figure(address('health'), aside)).toBe(0);
    client.socket.destroy();
  },
);

it.each(['EIO', 'ENOSPC'])(
  'answers 451 to what a disk that gives %s did not take, and 250 to what comes after',
  async (code) => {
    const api = await listenAsApi();
    let isBroken = false;
    const create: typeof systemDisk.create = async (path) => {
      const file = await systemDisk.create(path);
      const appendDurably: typeof file.appendDurably = async (parts) => {
        if (isBroken) throw Object.assign(new Error(code), { code });
        return file.appendDurably(parts);
      };
      return { ...file, appendDurably };
    };
    const { address } = await runRelay({ API_INTERNAL_URL: api.url }, { ...systemDisk, create });
    const client = await logIn(address('private'));
    expect(await submit(client, hello)).toMatch(/^250 /);
    isBroken = true;
    expect(await submit(client, hello)).toMatch(/^451 4\.3\.0 /);
    expect(await submit(client, hello)).toMatch(/^451 4\.3\.0 /);
    isBroken = false;
    expect(await submit(client, hello)).toMatch(/^250 /);

    const waiting = () => figure(address('health'), 'mailctl_relay_backlog_records{service="relay"}');
    await expect.poll(waiting, { timeout: 10_000 }).toBe(0);
    expect(api.stored.size).toBe(2);
    client.socket.destroy();
  },
);

it('tells by metric the serial number of the certificate that it serves, also after it was renewed', async () => {
  const { relay, folder, address } = await runRelay({ API_INTERNAL_URL: 'http://127.0.0.1:1' });
  const serial = async () => {
    const socket = connectTls({ ...address('tls'), rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { serialNumber } = socket.getPeerCertificate();
    socket.destroy();
    return serialNumber;
  };
  const told = async () => {
    const text = await (await fetch(`http://127.0.0.1:${address('health').port}/metrics`)).text();
    return [...text.matchAll(/^mailctl_relay_certificate_expiry_\S+serial="(\w+)"/gm)].map(([, one]) => one);
  };
  const before = await serial();
  expect(await told()).toEqual([before]);
  await writeCertificate(folder, 'new');
  expect(await relay.reload()).toBe(true);

  expect(await serial()).not.toBe(before);
  expect(await told()).toEqual([await serial()]);
});

it('tells by metric whether the api is asked as usual, and what waits for it', async () => {
  const api = await listenAsApi();
  const { address } = await runRelay({
    API_INTERNAL_URL: api.url,
    RELAY_SHIP_FAILURES: '1',
    RELAY_SHIP_OPEN_TIME: '10ms',
    RELAY_SHIP_OPEN_MAX: '20ms',
  });
  const read = (name: string) => figure(address('health'), `mailctl_relay_${name}{service="relay"}`);
  const client = await logIn(address('private'));
  expect(await read('circuit_closed')).toBe(1);
  api.status = 503;
  await submit(client, hello);
  await expect.poll(() => read('circuit_closed'), { timeout: 10_000 }).toBe(0);

  expect(await read('backlog_records')).toBe(1);
  expect(await read('backlog_bytes')).toBeGreaterThan(hello.length);
  expect(await read('backlog_oldest_age_seconds')).toBeGreaterThan(0);
  expect(await isReady(address('health'))).toBe(true);
  api.status = 200;
  await expect.poll(() => read('circuit_closed'), { timeout: 10_000 }).toBe(1);
  await expect.poll(() => read('backlog_records'), { timeout: 10_000 }).toBe(0);
  client.socket.destroy();
});
