import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { systemClock } from '../../../src/adapters/clock.ts';
import type { Database } from '../../../src/adapters/postgres.ts';
import { until } from './until.ts';
import { addKey, type ApiUnderTest, call, countOf, runningApi } from './running-api.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await runningApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const hello = { from: 'news@acme.test', to: 'ann@example.com', text: 'Hello' };

function send(key: string, body: object = hello, other: object = {}, to: ApiUnderTest = api) {
  return call(to, 'POST', '/v1/messages', { body, headers: { 'idempotency-key': key }, ...other });
}

describe('an Idempotency-Key', () => {
  it('sent twice gives the first answer and one message', async () => {
    const before = await countOf(api.db, 'messages');
    const first = await send('order-1');
    const second = await send('order-1');
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    expect(second).toMatchObject({ status: 202, body: first.body });
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect(second.headers.get('location')).toBe(first.headers.get('location'));
    expect(await countOf(api.db, 'messages')).toBe(before + 1);
  });

  it('with another body is refused', async () => {
    await send('order-2');
    expect(await send('order-2', { ...hello, text: 'Bye' })).toMatchObject({
      status: 409,
      body: { code: 'idempotency-mismatch', retryable: false },
    });
  });

  it('of another API key is another key', async () => {
    const other = await addKey(api.db, ['send']);
    const first = await send('order-3');
    const second = await send('order-3', hello, { key: other.key });
    expect(second.status).toBe(202);
    expect(second.body['id']).not.toBe(first.body['id']);
  });

  it('of a refused request is free: the corrected request is accepted', async () => {
    expect((await send('order-4', { ...hello, to: 'nobody' })).status).toBe(422);
    expect((await send('order-4')).status).toBe(202);
  });

  it('sent twenty times at once stores one message, and whoever comes too early may try again', async () => {
    const before = await countOf(api.db, 'messages');
    const answers = await Promise.all(Array.from({ length: 20 }, () => send('order-5')));
    expect(await countOf(api.db, 'messages')).toBe(before + 1);
    const early = answers.filter(({ status }) => status === 409);
    expect(
      early.every(({ body }) => body['code'] === 'idempotency-in-flight' && body['retryable'] === true),
    ).toBe(true);
    const accepted = answers.filter(({ status }) => status === 202);
    expect(accepted.length + early.length).toBe(20);
    expect(new Set(accepted.map(({ body }) => body['id'])).size).toBe(1);
    expect((await send('order-5')).body).toEqual(accepted[0]?.body);
  });

  it('whose first request is still being answered is refused with 409 until it is, whatever process is asked', async () => {
    const before = await countOf(api.db, 'messages');
    let commit = (): void => undefined;
    const mayCommit = new Promise<void>((resolve) => {
      commit = resolve;
    });
    let isStored = false;
    const slow: Database = {
      ...api.db,
      transaction: (work) =>
        api.db.transaction(async (within) => {
          const done = await work(within);
          isStored = true;
          await mayCommit;
          return done;
        }),
    };
    await using other = await runningApi({}, { db: slow });
    const headers = { 'idempotency-key': 'order-8' };
    const first = call(other, 'POST', '/v1/messages', { body: hello, headers, key: api.key });
    await until(() => isStored);

    for (const body of [hello, { ...hello, text: 'Bye' }]) {
      const early = await send('order-8', body);
      expect(early).toMatchObject({ status: 409, body: { code: 'idempotency-in-flight', retryable: true } });
      expect(early.headers.get('retry-after')).toBe('1');
    }
    commit();
    const { status, body } = await first;
    expect(status).toBe(202);
    expect(await send('order-8')).toMatchObject({ status, body });
    expect(await countOf(api.db, 'messages')).toBe(before + 1);
  });

  it('works for raw messages too, and their envelope belongs to the request', async () => {
    const raw = { raw: 'From: a@b.test\r\n\r\nHello', body: undefined };
    const headers = { 'content-type': 'message/rfc822', 'idempotency-key': 'order-6', 'rcpt-to': 'x@y.test' };
    expect((await call(api, 'POST', '/v1/messages', { ...raw, headers })).status).toBe(202);
    const other = { ...headers, 'rcpt-to': 'z@y.test' };
    expect((await call(api, 'POST', '/v1/messages', { ...raw, headers: other })).status).toBe(409);
    const again = await call(api, 'POST', '/v1/messages', { ...raw, headers });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
  });

  it('is free after a crash in the middle, and nothing was stored', async () => {
    const database = api.db;
    const crashing: Database = {
      ...database,
      transaction: (work) =>
        database.transaction(async (within) => {
          await work(within);
          throw new Error('crashed before the commit');
        }),
    };
    await using broken = await runningApi({}, { db: crashing });
    const before = await countOf(api.db, 'messages');
    const options = { body: hello, headers: { 'idempotency-key': 'order-7' }, key: api.key };
    expect(await call(broken, 'POST', '/v1/messages', options)).toMatchObject({
      status: 500,
      body: { code: 'internal', retryable: true },
    });
    expect(await countOf(api.db, 'messages')).toBe(before);
    expect((await send('order-7')).status).toBe(202);
  });
});

describe('an Idempotency-Key by the default IDEMPOTENCY_WINDOW', () => {
  const start = systemClock.now().getTime();
  const minutes = (count: number) => new Date(start + count * 60_000);
  const day = 24 * 60;

  it('gives the first answer for 24 hours, and is a new one afterwards', async () => {
    const now = { of: minutes(0) };
    // Its upkeep does not come to its turn: what is kept for longer is not used either.
    await using aged = await runningApi(
      { API_KEY_USE_INTERVAL: '1h' },
      { clock: { ...systemClock, now: () => now.of } },
    );
    const first = await send('order-9', hello, {}, aged);
    now.of = minutes(day - 1);
    const replayed = await send('order-9', hello, {}, aged);
    now.of = minutes(day + 1);
    const later = await send('order-9', hello, {}, aged);
    const again = await send('order-9', hello, {}, aged);

    expect(replayed).toMatchObject({ status: 202, body: first.body });
    expect(replayed.headers.get('idempotency-replayed')).toBe('true');
    expect(later.status).toBe(202);
    expect(later.headers.get('idempotency-replayed')).toBeNull();
    expect(later.body['id']).not.toBe(first.body['id']);
    expect(again.body).toEqual(later.body);
    expect(await countOf(aged.db, 'messages')).toBe(2);
  });

  it('is forgotten by the upkeep of the api when they are over', async () => {
    const now = { of: minutes(0) };
    await using aged = await runningApi(
      { API_KEY_USE_INTERVAL: '20ms' },
      { clock: { ...systemClock, now: () => now.of } },
    );
    await send('old', hello, {}, aged);
    now.of = minutes(2);
    await send('young', hello, {}, aged);
    now.of = minutes(day + 1);
    const left = () => aged.db.query('select key from idempotency_keys');

    await until(async () => (await left()).length < 2);
    expect(await left()).toEqual([{ key: 'young' }]);
  });
});
