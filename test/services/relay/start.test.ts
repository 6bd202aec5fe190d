import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, it, onTestFinished } from 'vitest';

import { systemClock } from '../../../src/adapters/clock.ts';
import { ownDirectory } from '../../../src/adapters/directory-owner.ts';
import { systemDisk } from '../../../src/adapters/disk.ts';
import { openHttp } from '../../../src/adapters/http.ts';
import { silentLog } from '../../../src/adapters/log.ts';
import { systemRandom } from '../../../src/adapters/random.ts';
import type { Listening } from '../../../src/services/running.ts';
import { startRelay } from '../../../src/services/relay/start.ts';
import { annPlain, relayConfig, writeCertificate } from './running-door.ts';
import { dial } from './smtp-client.ts';
import { startWholeApi } from './whole-api.ts';

async function listenAsApi() {
  const api = await startWholeApi();
  onTestFinished(() => api[Symbol.asyncDispose]());
  return api;
}

/** A folder that outlives the relays of a test. */
async function lastingFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'relay-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function runRelay(variables: Readonly<Record<string, string>>) {
  const folder = await lastingFolder();
  await writeCertificate(folder);
  const http = openHttp({
    connections: 4,
    connectTimeoutMs: 2_000,
    mostAnswerBytes: 65_536,
    keepAlive: true,
  });
  const config = relayConfig(folder, variables);
  const world = {
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    http,
    disk: systemDisk,
    own: ownDirectory,
  };
  onTestFinished(() => http[Symbol.asyncDispose]());
  const relay = await startRelay(config, world);
  onTestFinished(relay.stop);
  const address = (name: string) => relay.addresses[name] ?? { host: '', port: 0 };
  return { relay, folder, address };
}

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
  expect(await logInTo(before.address('private'))).toMatch(/^235 /);
  await before.relay.stop();
  const after = await runRelay({ ...variables, API_INTERNAL_URL: 'http://127.0.0.1:1' });

  expect(await logInTo(after.address('private'))).toMatch(/^235 /);
  expect((await stat(join(folder, 'journal', 'logins.json'))).mode & 0o777).toBe(0o600);
  await after.relay.stop();
});

async function logInTo(address: Listening): Promise<string> {
  const client = await dial(address);
  await client.reply();
  await client.ask('EHLO app.example.com');
  const reply = await client.ask(`AUTH PLAIN ${annPlain}`);
  client.socket.destroy();
  return reply;
}
