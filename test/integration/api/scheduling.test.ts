import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { addKey, type ApiUnderTest, call, runningApi } from './running-api.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await runningApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const hello = { from: 'news@acme.test', to: ['ann@example.com', 'bob@example.com'], text: 'Hello' };

async function schedule(sendAt: Date): Promise<string> {
  const answer = await call(api, 'POST', '/v1/messages', {
    body: { ...hello, send_at: sendAt.toISOString() },
  });
  expect(answer.status).toBe(202);
  return String(answer.body['id']);
}

function typesOf(body: Record<string, unknown>): unknown[] {
  return (body['events'] as { type: string }[]).map(({ type }) => type);
}

describe('a scheduled message', () => {
  const inAnHour = () => new Date(Date.now() + 3_600_000);

  it('waits for its time, and its endpoints are told', async () => {
    const endpoint = { url: 'https://ams.example.com/hook', events: ['message.scheduled'] };
    await call(api, 'POST', '/v1/webhooks', { body: endpoint });
    const shown = await call(api, 'GET', `/v1/messages/${await schedule(inAnHour())}`);
    expect(shown.body).toMatchObject({ state: 'scheduled' });
    expect(typesOf(shown.body)).toEqual(['received', 'scheduled']);
    const told = await api.db.query(`select body::jsonb ->> 'type' as type from webhook_deliveries`);
    expect(told).toEqual([{ type: 'message.scheduled' }]);
  });

  it('whose time has passed is sent at once, so that repeating an old request still works', async () => {
    const id = await schedule(new Date(Date.now() - 3_600_000));
    expect((await call(api, 'GET', `/v1/messages/${id}`)).body['state']).toBe('queued');
  });

  it('can be cancelled, also twice, and its record stays', async () => {
    const id = await schedule(inAnHour());
    const first = await call(api, 'DELETE', `/v1/messages/${id}`);
    expect(first).toMatchObject({ status: 200, body: { state: 'cancelled' } });
    expect(typesOf(first.body)).toEqual(['received', 'scheduled', 'cancelled', 'cancelled']);
    const second = await call(api, 'DELETE', `/v1/messages/${id}`);
    expect(second).toMatchObject({ status: 200, body: first.body });
  });
});

describe('cancelling', () => {
  it('is too late for a message that is on its way', async () => {
    const { body } = await call(api, 'POST', '/v1/messages', { body: hello });
    expect(await call(api, 'DELETE', `/v1/messages/${String(body['id'])}`)).toMatchObject({
      status: 409,
      body: { code: 'too-late' },
    });
  });

  it('needs a message, and a key that may send', async () => {
    const path = '/v1/messages/msg_00000000000000000000000000';
    expect((await call(api, 'DELETE', path)).status).toBe(404);
    const { key } = await addKey(api.db, ['read']);
    expect((await call(api, 'DELETE', path, { key })).status).toBe(403);
  });
});
