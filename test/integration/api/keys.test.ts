import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Secret } from '../../../src/domain/secret.ts';
import { findApiKey, revokeApiKey } from '../../../src/store/api-keys.ts';
import { addKey, type ApiUnderTest, call, countOf, runningApi } from './running-api.ts';
import { until } from './until.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await runningApi({ API_KEY_USE_INTERVAL: '20ms', API_FAILURE_LIMIT: '1000' });
});
afterAll(() => api[Symbol.asyncDispose]());

const hello = { from: 'news@acme.test', to: 'ann@example.com', text: 'Hello' };

function send(key: Secret) {
  return call(api, 'POST', '/v1/messages', { key, body: hello });
}

describe('a key', () => {
  it('that is wrong in any way is refused with its own code, before the body is read', async () => {
    const past = new Date(Date.now() - 1000);
    const revoked = await addKey(api.db, ['send']);
    await revokeApiKey(api.db, revoked.id, past);
    const real = api.key.reveal();
    const other = (await addKey(api.db, ['send'])).key.reveal();
    const keys = {
      'key-missing': 'nothing-of-ours',
      'key-mistyped': `${real.slice(0, -1)}${real.endsWith('x') ? 'y' : 'x'}`,
      'key-expired': (await addKey(api.db, ['send'], past)).key.reveal(),
      'key-revoked': revoked.key.reveal(),
    };
    const before = await countOf(api.db, 'messages');
    for (const [code, key] of Object.entries(keys)) {
      const answer = await send(new Secret(key));
      expect(answer).toMatchObject({ status: 401, body: { code, retryable: false } });
      expect(answer.headers.get('www-authenticate')).toContain('Bearer');
      expect(JSON.stringify(answer.body)).not.toContain(key);
    }
    expect(await countOf(api.db, 'messages')).toBe(before);
    expect(await send(new Secret(other))).toMatchObject({ status: 202 });
  });

  it('of the right shape that was never issued is unknown, and so is a real id with another secret', async () => {
    const never = await addKey(api.db, ['send']);
    await api.db.change('delete from api_keys where id = $1', [never.id]);
    expect(await send(never.key)).toMatchObject({ status: 401, body: { code: 'key-unknown' } });
    const changed = await addKey(api.db, ['send']);
    await api.db.change(`update api_keys set secret_sha256 = '\\x00' where id = $1`, [changed.id]);
    expect(await send(changed.key)).toMatchObject({ status: 401, body: { code: 'key-unknown' } });
  });

  it('may do what its scopes say', async () => {
    const reader = (await addKey(api.db, ['read'])).key;
    expect(await send(reader)).toMatchObject({ status: 403, body: { code: 'scope-missing' } });
    expect(await call(api, 'GET', '/v1/messages', { key: reader })).toMatchObject({ status: 200 });
    const sender = (await addKey(api.db, ['send'])).key;
    expect(await send(sender)).toMatchObject({ status: 202 });
    expect(await call(api, 'GET', '/v1/messages', { key: sender })).toMatchObject({ status: 403 });
  });

  it('remembers when it was last used, soon after', async () => {
    const { id, key } = await addKey(api.db, ['send']);
    await send(key);
    await until(async () => (await findApiKey(api.db, id))?.lastUsedAt !== undefined);
  });

  it('is taken only from its networks, and says so with a code of its own', async () => {
    await using proxied = await runningApi({ API_TRUSTED_PROXIES: '127.0.0.1', API_FAILURE_LIMIT: '1000' });
    const bounded = await addKey(proxied.db, ['read'], undefined, {
      networks: ['192.0.2.0/24', '2001:db8::/32'],
    });
    const from = (address: string) =>
      call(proxied, 'GET', '/v1/keys/self', { key: bounded.key, headers: { 'x-forwarded-for': address } });

    for (const inside of ['192.0.2.77', '::ffff:192.0.2.77', '2001:db8::1'])
      expect((await from(inside)).status).toBe(200);
    expect((await from('192.0.2.77')).body).toMatchObject({
      networks: ['192.0.2.0/24', '2001:db8::/32'],
      rate: null,
    });
    for (const outside of ['192.0.3.1', '2001:db9::1', '203.0.113.9'])
      expect(await from(outside)).toMatchObject({
        status: 403,
        body: { code: 'key-network', retryable: false },
      });
    expect(await call(proxied, 'GET', '/v1/keys/self', { key: bounded.key })).toMatchObject({ status: 403 });
  });

  it('that is refused from a foreign network is not taken as used, nor told from a wrong one by its secret', async () => {
    const { id, key } = await addKey(api.db, ['read'], undefined, { networks: ['192.0.2.0/24'] });
    expect(await call(api, 'GET', '/v1/keys/self', { key })).toMatchObject({ status: 403 });
    await api.db.change(`update api_keys set secret_sha256 = '\\x00' where id = $1`, [id]);
    expect(await call(api, 'GET', '/v1/keys/self', { key })).toMatchObject({ body: { code: 'key-unknown' } });
    const { id: other, key: used } = await addKey(api.db, ['read']);
    await call(api, 'GET', '/v1/keys/self', { key: used });
    await until(async () => (await findApiKey(api.db, other))?.lastUsedAt !== undefined);
    expect((await findApiKey(api.db, id))?.lastUsedAt).toBeUndefined();
  });

  it('stands in no log line and in no answer', async () => {
    await send(api.key);
    const secret = api.key.reveal().slice(30);
    expect(api.lines.join('\n')).not.toContain(secret);
  });
});

describe('too many requests', () => {
  it('of one key are refused with the time to come back, and leave other keys alone', async () => {
    await using limited = await runningApi({
      API_RATE_LIMIT: '1',
      API_BURST_LIMIT: '1',
      API_RATE_PERIOD: '1h',
    });
    const first = await call(limited, 'GET', '/v1/messages');
    expect(first.status).toBe(200);
    expect(first.headers.get('ratelimit-policy')).toBe('"default";q=1;w=3600');
    expect(first.headers.get('ratelimit')).toBe('"default";r=1;t=3600');
    expect((await call(limited, 'GET', '/v1/messages')).status).toBe(200);
    const third = await call(limited, 'GET', '/v1/messages');
    expect(third).toMatchObject({ status: 429, body: { code: 'rate-limited', retryable: true } });
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(3500);
    expect(third.headers.get('ratelimit')).toMatch(/^"default";r=0;t=7\d{3}$/);
    const { key } = await addKey(limited.db, ['read']);
    expect((await call(limited, 'GET', '/v1/messages', { key })).status).toBe(200);
  });

  it('without a key, where none is needed, are refused per address by the same rate, and keys from there still pass', async () => {
    await using limited = await runningApi({
      API_RATE_LIMIT: '1',
      API_BURST_LIMIT: '1',
      API_RATE_PERIOD: '1h',
    });
    const first = await fetch(`${limited.url}/v1/health`);
    expect([first.status, first.headers.get('ratelimit')]).toEqual([200, '"default";r=1;t=3600']);
    expect((await fetch(`${limited.url}/v1/openapi.json`)).status).toBe(200);
    for (const path of ['/v1/health', '/v1/openapi.json']) {
      const refused = await fetch(`${limited.url}${path}`);
      expect([refused.status, await refused.json()]).toMatchObject([429, { code: 'rate-limited' }]);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3500);
    }
    expect((await call(limited, 'GET', '/v1/messages')).status).toBe(200);
  });

  it('of a key with a rate of its own are counted by that, whatever the others may do', async () => {
    const rate = { requests: 2, periodMs: 3_600_000 };
    const { key } = await addKey(api.db, ['read'], undefined, { rate });
    const ask = () => call(api, 'GET', '/v1/keys/self', { key });

    const first = await ask();
    expect(first).toMatchObject({ status: 200, body: { rate: { requests: 2, period_seconds: 3600 } } });
    expect(first.headers.get('ratelimit-policy')).toBe('"key";q=2;w=3600');
    expect((await ask()).status).toBe(200);
    const third = await ask();
    expect(third).toMatchObject({ status: 429, body: { code: 'key-rate-limited', retryable: true } });
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(1700);
    expect((await call(api, 'GET', '/v1/keys/self')).status).toBe(200);
  });

  it('without a valid key are refused per address, and a valid key from there still passes', async () => {
    await using limited = await runningApi({ API_FAILURE_LIMIT: '2', API_RATE_PERIOD: '1h' });
    const wrong = { key: new Secret('mk_wrong') };
    const statuses = [];
    for (let turn = 0; turn < 3; turn += 1)
      statuses.push((await call(limited, 'GET', '/v1/messages', wrong)).status);
    expect(statuses).toEqual([401, 401, 429]);
    expect((await call(limited, 'GET', '/v1/messages')).status).toBe(200);
  });
});
