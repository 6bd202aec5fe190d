import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, it, onTestFinished } from 'vitest';

import { openRedis } from '../../../src/adapters/redis.ts';
import type { Listening } from '../../../src/services/running.ts';
import { type PrivateRedis, privateRedis } from '../../engines/private-redis.ts';
import { type Program, startProgram } from '../../programs/program.ts';
import { temporaryDirectory } from '../../services/relay/journal/fixture.ts';
import { annPlain, relayEnvironment, writeCertificate } from '../../services/relay/running-door.ts';
import { dial } from '../../services/relay/smtp-client.ts';
import { startWholeApi } from '../../services/relay/whole-api.ts';
import { until } from '../api/until.ts';

const limits = { LOCKOUT_NETWORK_FAILURES: '6', LOCKOUT_PAIR_FAILURES: '3', REDIS_RETRY_DELAY: '20ms' };

async function relayFolder(): Promise<string> {
  const folder = await temporaryDirectory();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  return folder.path;
}

async function runRelay(
  redis: PrivateRedis,
  variables: Readonly<Record<string, string>> = {},
  place?: string,
) {
  const folder = place ?? (await relayFolder());
  const api = await startWholeApi();
  onTestFinished(() => api[Symbol.asyncDispose]());
  await writeCertificate(folder);
  const relay = await startProgram('relay.ts', {
    environment: {
      ...relayEnvironment(folder),
      ...limits,
      API_INTERNAL_URL: api.url,
      REDIS_URL: redis.url,
      ...variables,
    },
  });
  onTestFinished(() => relay[Symbol.asyncDispose]());
  return relay;
}

function address(relay: Program, name: string): Listening {
  const { addresses } = relay.said as { addresses: Record<string, Listening> };
  return addresses[name] ?? { host: '', port: 0 };
}

function plain(username: string, password: string): string {
  return Buffer.from(`\0${username}\0${password}`).toString('base64');
}

/** What one connection hears for its greeting and for one login. */
async function tryLogin(relay: Program, response: string): Promise<readonly string[]> {
  const client = await dial(address(relay, 'private'));
  try {
    const greeting = await client.reply();
    if (!greeting.startsWith('220')) return [greeting];
    await client.ask('EHLO app.example.com');
    return [greeting, await client.ask(`AUTH PLAIN ${response}`)];
  } finally {
    client.socket.destroy();
  }
}

async function metric(relay: Program, name: string): Promise<string | undefined> {
  const { host, port } = address(relay, 'health');
  const text = await (await fetch(`http://${host}:${port}/metrics`)).text();
  return new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, 'm').exec(text)?.[1];
}

it('says 535 to wrong passwords, 421 to a locked login, and 421 at the door to a locked network, on every relay', async () => {
  await using redis = await privateRedis();
  const [one, two] = [await runRelay(redis), await runRelay(redis)];
  for (let n = 0; n < 3; n += 1) {
    expect((await tryLogin(one, plain('ann', `wrong ${n}`)))[1]).toBe(
      '535 5.7.8 Authentication credentials invalid\r\n',
    );
  }
  expect((await tryLogin(two, annPlain))[1]).toBe('421 4.7.0 Too many failed logins\r\n');
  for (let n = 0; n < 3; n += 1) await tryLogin(two, plain(`name${n}`, 'letmein'));
  expect(await tryLogin(one, annPlain)).toEqual(['421 4.7.0 Try again later\r\n']);
  expect(await metric(two, 'mailctl_limiter_degraded')).toBe('0');
});

it('stays closed to the attacker when Redis dies under the attack, and comes back with it', async () => {
  await using redis = await privateRedis();
  const relay = await runRelay(redis);
  await tryLogin(relay, plain('ann', 'wrong 1'));
  await redis.stop();
  await tryLogin(relay, plain('ann', 'wrong 2'));
  expect((await tryLogin(relay, annPlain))[1]).toMatch(/^421 4\.7\.0 /);
  expect(await metric(relay, 'mailctl_limiter_degraded')).toBe('1');
  await redis.start();
  await until(async () => (await metric(relay, 'mailctl_limiter_degraded')) === '0');
  expect((await tryLogin(relay, annPlain))[1]).toMatch(/^421 4\.7\.0 /);
});

it('never turns away an address that stands for many', async () => {
  await using redis = await privateRedis();
  const relay = await runRelay(redis, { RELAY_NEVER_COUNTED: '127.0.0.0/8' });
  for (let n = 0; n < 10; n += 1) await tryLogin(relay, plain(`name${n}`, 'letmein'));
  expect((await tryLogin(relay, annPlain))[1]).toMatch(/^235 /);
});

it('writes down, for its owner alone, where users are at home, and tells it to an empty Redis', async () => {
  await using redis = await privateRedis();
  const folder = await relayFolder();
  const first = await runRelay(redis, {}, folder);
  expect((await tryLogin(first, annPlain))[1]).toMatch(/^235 /);
  first.kill('SIGTERM');
  expect(await first.ended).toBe(0);
  const file = join(folder, 'journal', 'networks.json');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject([
    { username: 'ann', network: '127.0.0.0/24' },
  ]);
  await redis.stop();
  await redis.start();
  await runRelay(redis, {}, folder);
  await using client = await openRedis({ url: redis.url, password: undefined, timeoutMs: 200, retryMs: 20 });
  await until(async () => (await client.call('EXISTS', 'mailctl:known:ann 127.0.0.0/24')) === 1);
});
