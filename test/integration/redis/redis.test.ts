import { expect, it } from 'vitest';

import { openRedis } from '../../../src/adapters/redis.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { privateRedis } from '../../engines/private-redis.ts';
import { testRedis } from '../../engines/redis.ts';
import { openSilentLine } from '../../engines/silent-line.ts';
import { until } from '../api/until.ts';

const times = { timeoutMs: 200, retryMs: 10 };

it('sends commands and scripts to the database that its address names', async () => {
  await using empty = await testRedis();
  const url = `unix://${empty.address.path}?db=${empty.address.db}`;
  await using redis = await openRedis({ url, password: undefined, ...times });
  expect(await redis.call('SET', 'a', 1)).toBe('OK');
  expect(await redis.evaluate(`return redis.call('GET', KEYS[1]) .. ARGV[1]`, ['a'], [2])).toBe('12');
  await using other = await openRedis({ url: `unix://${empty.address.path}`, password: undefined, ...times });
  expect(await other.call('GET', 'a')).toBeNull();
});

it('says which variable is wrong when Redis wants another password', async () => {
  await using server = await privateRedis('the right password');
  const open = (password: Secret | undefined) => openRedis({ url: server.url, password, ...times });
  await using right = await open(new Secret('the right password'));
  expect(await right.call('PING')).toBe('PONG');
  for (const password of [undefined, new Secret('another password')]) {
    await using wrong = await open(password);
    await expect(wrong.call('PING')).rejects.toMatchObject({
      code: 'access-denied',
      field: 'REDIS_PASSWORD',
    });
  }
});

it('fails at once while nobody is there, and is connected again by itself', async () => {
  await using server = await privateRedis();
  await using redis = await openRedis({ url: server.url, password: undefined, ...times });
  let ready = 0;
  redis.onReady(() => (ready += 1));
  await server.stop();
  const began = performance.now();
  await expect(redis.call('PING')).rejects.toMatchObject({ code: 'unreachable', field: 'REDIS_URL' });
  expect(performance.now() - began).toBeLessThan(times.timeoutMs);
  await server.start();
  await until(() => ready === 1);
  expect(await redis.call('PING')).toBe('PONG');
});

it('fails within the timeout when Redis hangs', async () => {
  await using server = await privateRedis();
  await using redis = await openRedis({ url: server.url, password: undefined, ...times });
  server.pause();
  await expect(redis.call('PING')).rejects.toMatchObject({ code: 'unreachable' });
  await expect(redis.evaluate('return 1', [], [])).rejects.toMatchObject({ code: 'unreachable' });
});

it('gives up a connection that was cut off without a word, and goes on over a new one', async () => {
  await using empty = await testRedis();
  await using line = await openSilentLine(empty.address.path);
  const url = `redis://127.0.0.1:${line.port}?db=${empty.address.db}`;
  await using redis = await openRedis({ url, password: undefined, ...times });
  expect(await redis.call('PING')).toBe('PONG');
  expect(line.cut()).toBe(1);

  await expect(redis.call('PING')).rejects.toMatchObject({ code: 'unreachable', field: 'REDIS_URL' });
  let answered: unknown;
  await until(async () => (answered = await redis.call('PING').catch(() => undefined)) === 'PONG');
  expect(answered).toBe('PONG');
});

it('shows a new password at once, and keeps the one before where Redis refuses the new one', async () => {
  await using server = await privateRedis('first');
  await using redis = await openRedis({ url: server.url, password: new Secret('first'), ...times });
  expect(await redis.renew(new Secret('unknown'))).toBe(false);
  await redis.call('ACL', 'SETUSER', 'default', '>second');
  expect(await redis.renew(new Secret('second'))).toBe(true);
  await redis.call('ACL', 'SETUSER', 'default', '<first');
  let ready = 0;
  redis.onReady(() => (ready += 1));
  await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'no').catch(() => undefined);
  await until(() => ready === 1);
  expect(await redis.call('PING')).toBe('PONG');
});

it('shows a Redis that is away the new password when it is back', async () => {
  await using server = await privateRedis('second');
  await using redis = await openRedis({ url: server.url, password: new Secret('first'), ...times });
  await server.stop();
  expect(await redis.renew(new Secret('second'))).toBe(true);
  await server.start();
  let answered: unknown;
  await until(async () => (answered = await redis.call('PING').catch(() => undefined)) === 'PONG');
  expect(answered).toBe('PONG');
});
