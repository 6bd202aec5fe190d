import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openRedis, type Redis } from '../../../src/adapters/redis.ts';
import { type PrivateRedis, privateRedis } from '../../engines/private-redis.ts';
import { type ApiUnderTest, call, runningApi } from '../api/running-api.ts';
import { until } from '../api/until.ts';

const limits = {
  API_RATE_LIMIT: '4',
  API_BURST_LIMIT: '0',
  API_RATE_PERIOD: '1h',
  REDIS_RETRY_DELAY: '20ms',
};

let server: PrivateRedis;
let redis: Redis;

beforeEach(async () => {
  server = await privateRedis();
  redis = await openRedis({ url: server.url, password: undefined, timeoutMs: 200, retryMs: 20 });
});

afterEach(async () => {
  await redis[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

async function degraded(api: ApiUnderTest): Promise<string | undefined> {
  const text = await (await fetch(`${api.health}/metrics`)).text();
  return /^mailctl_limiter_degraded\{[^}]*\} (\d)$/m.exec(text)?.[1];
}

function ask(api: Pick<ApiUnderTest, 'url' | 'key'>) {
  return call(api, 'GET', '/v1/messages/msg_unknown');
}

describe('the rate of a key', () => {
  it('is one rate for all processes of the api, and the headers tell what is left of it', async () => {
    const burst = { ...limits, API_BURST_LIMIT: '3' };
    await using one = await runningApi(burst, { redis });
    await using two = await runningApi(burst, { redis, db: one.db });
    const answers = [];
    for (const api of [one, two, one, two, one]) answers.push(await ask({ url: api.url, key: one.key }));
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404, 429]);
    expect(answers.map(({ headers }) => /r=(\d)/.exec(headers.get('ratelimit') ?? '')?.[1])).toEqual([
      '3',
      '2',
      '1',
      '0',
      '0',
    ]);
    expect(Number(answers.at(-1)?.headers.get('retry-after'))).toBeGreaterThan(890);
  });

  it('goes on in each process while Redis is gone, and is shared again when it is back', async () => {
    await using api = await runningApi(limits, { redis });
    expect((await ask(api)).status).toBe(404);
    await server.stop();
    expect((await ask(api)).status).toBe(429);
    expect(await degraded(api)).toBe('1');
    await server.start();
    await until(async () => (await degraded(api)) === '0');
    expect((await ask(api)).status).toBe(404);
    expect(api.lines.filter((line) => line.includes('Redis'))).toHaveLength(2);
  });

  it('is no trouble where there is no Redis', async () => {
    await using api = await runningApi(limits);
    expect([(await ask(api)).status, (await ask(api)).status]).toEqual([404, 429]);
    expect(await degraded(api)).toBe('0');
  });
});
