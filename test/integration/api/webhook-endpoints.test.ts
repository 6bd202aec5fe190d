import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Secret } from '../../../src/domain/secret.ts';
import { unsealSecret } from '../../../src/domain/sealed-secret.ts';
import { addKey, type ApiUnderTest, call, runningApi, sealingKey } from './running-api.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await runningApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const endpoint = {
  url: 'https://ams.example.com/hook?x=1',
  events: ['message.delivered', 'message.delivered'],
};

describe('webhook endpoints', () => {
  it('show their secret once, and keep it sealed', async () => {
    const created = await call(api, 'POST', '/v1/webhooks', { body: endpoint });
    expect(created).toMatchObject({
      status: 201,
      body: { url: endpoint.url, events: ['message.delivered'], paused_at: null, disabled_at: null },
    });
    const { id, secret } = created.body;
    expect(secret).toMatch(/^whsec_[a-z0-9]{52}$/);
    const listed = await call(api, 'GET', '/v1/webhooks');
    expect(listed.body).toMatchObject({ endpoints: [{ id }] });
    expect(JSON.stringify(listed.body) + api.lines.join('')).not.toContain(String(secret));
    const [row] = await api.db.query<{ sealed: Buffer }>(
      'select sealed_secret as sealed from webhook_endpoints',
    );
    const unsealed = unsealSecret(row?.sealed ?? Buffer.alloc(0), {
      key: new Secret(sealingKey),
      owner: String(id),
    });
    expect(unsealed.ok && unsealed.secret.reveal()).toBe(secret);
  });

  it('are removed once, with everything that waits for them', async () => {
    const { body } = await call(api, 'POST', '/v1/webhooks', { body: { url: 'http://ams.example.com/' } });
    const path = `/v1/webhooks/${String(body['id'])}`;
    await api.db.change(
      `insert into webhook_deliveries (id, endpoint_id, body) select 'whd_' || n, $1, '{}' from generate_series(1, 20001) n`,
      [body['id']],
    );
    expect((await call(api, 'DELETE', path)).status).toBe(204);
    expect((await call(api, 'DELETE', path)).status).toBe(404);
    expect(await api.db.query('select from webhook_deliveries where endpoint_id = $1', [body['id']])).toEqual(
      [],
    );
  });

  it.each([
    [{ url: 'ftp://ams.example.com' }, 'url'],
    [{ url: 'https://user:pass@ams.example.com' }, 'url'],
    [{ url: 'no url' }, 'url'],
    [{ url: 'https://a.test', events: ['message.lost'] }, 'events[0]'],
    [{ url: 'https://a.test', events: ['message.received'] }, 'events[0]'],
  ])('are refused as %j', async (body, field) => {
    expect(await call(api, 'POST', '/v1/webhooks', { body })).toMatchObject({ status: 422, body: { field } });
  });

  it('are for admin keys', async () => {
    const { key } = await addKey(api.db, ['send', 'read']);
    expect((await call(api, 'GET', '/v1/webhooks', { key })).status).toBe(403);
    expect((await call(api, 'POST', '/v1/webhooks', { key, body: endpoint })).status).toBe(403);
  });
});

describe('the list of webhooks', () => {
  const list = (query = '') => call(api, 'GET', `/v1/webhooks/deliveries${query}`);

  it('shows those of a state and an endpoint, newest first and page by page, and sends again what was given up', async () => {
    const later = new Date(Date.now() + 3_600_000).toISOString();
    const scheduled = { from: 'a@b.test', to: 'c@d.test', text: 'x', send_at: later };
    const added = await call(api, 'POST', '/v1/webhooks', { body: { url: 'https://dead.example.com/' } });
    const of = `endpoint_id=${added.body['id']}`;
    const sent = [];
    for (let count = 0; count < 3; count += 1)
      sent.push((await call(api, 'POST', '/v1/messages', { body: scheduled })).body['id']);
    const messagesOf = ({ body }: Awaited<ReturnType<typeof list>>) =>
      (body['deliveries'] as { message_id: string }[]).map(({ message_id: id }) => id);
    const [oldest, , newest] = sent.toSorted();
    await api.db.change(
      `update webhook_deliveries d set state = 'dead', last_status = 500, attempts = 10
       from events e where e.id = d.event_id and e.message_id = $1`,
      [oldest],
    );

    const first = await list(`?${of}&limit=2`);
    const second = await list(`?${of}&limit=2&cursor=${String(first.body['next_cursor'])}`);
    expect([...messagesOf(first), ...messagesOf(second)]).toEqual(sent.toSorted().toReversed());
    expect(second.body).toMatchObject({ next_cursor: null });
    expect(messagesOf(await list(`?${of}&state=waiting&limit=1`))).toEqual([newest]);
    expect(messagesOf(await list(`?${of}&state=delivered`))).toEqual([]);
    expect(messagesOf(await list('?endpoint_id=whe_other'))).toEqual([]);

    const { body } = await list('?state=dead');
    const [dead] = body['deliveries'] as { id: string }[];
    expect(dead).toMatchObject({
      message_id: oldest,
      type: 'message.scheduled',
      state: 'dead',
      attempts: 10,
      last_status: 500,
      next_attempt_at: null,
    });
    const unknown = 'whd_00000000000000000000000000';
    const replay = await call(api, 'POST', '/v1/webhooks/deliveries/replay', {
      body: { ids: [dead?.id, unknown] },
    });
    expect(replay).toMatchObject({ status: 200, body: { replayed: 1 } });
    expect((await list('?state=dead')).body).toEqual({ deliveries: [], next_cursor: null });
  });

  it.each([
    ['state=lost', 'state'],
    ['cursor=whd_1', 'cursor'],
    ['limit=0', 'limit'],
    ['states=dead', 'states'],
  ])('refuses ?%s by name', async (query, field) => {
    expect(await list(`?${query}`)).toMatchObject({ status: 422, body: { field } });
  });

  it('replays nothing without ids', async () => {
    expect(await call(api, 'POST', '/v1/webhooks/deliveries/replay', { body: { ids: [] } })).toMatchObject({
      status: 422,
      body: { field: 'ids' },
    });
  });
});

describe('a test of an endpoint', () => {
  it('is queued, and can be followed', async () => {
    const added = await call(api, 'POST', '/v1/webhooks', { body: { url: 'https://tested.example.com/' } });
    const path = `/v1/webhooks/${added.body['id']}/test`;
    const queued = await call(api, 'POST', path);
    expect(queued.status).toBe(202);
    expect(await call(api, 'GET', `/v1/webhooks/deliveries/${queued.body['id']}`)).toMatchObject({
      status: 200,
      body: { id: queued.body['id'], state: 'waiting', attempts: 0, last_status: null },
    });
    await api.db.change('update webhook_endpoints set paused_at = now()');
    expect(await call(api, 'POST', path)).toMatchObject({ status: 409, body: { code: 'endpoint-stopped' } });
    expect((await call(api, 'GET', '/v1/webhooks')).body['endpoints']).toContainEqual(
      expect.objectContaining({ id: added.body['id'], paused_at: expect.any(String) }),
    );
    expect((await call(api, 'POST', '/v1/webhooks/whe_none/test')).status).toBe(404);
    expect((await call(api, 'GET', '/v1/webhooks/deliveries/whd_none')).status).toBe(404);
  });

  it('needs the scope admin', async () => {
    const { key } = await addKey(api.db, ['send', 'read']);
    expect(await call(api, 'POST', '/v1/webhooks/whe_x/test', { key })).toMatchObject({ status: 403 });
  });
});

describe('what a key may know of itself and the platform', () => {
  it('is its scopes and its end, and never its secret', async () => {
    const expiresAt = new Date(Date.now() + 1_000_000);
    const { id, key } = await addKey(api.db, ['send'], expiresAt);
    expect((await call(api, 'GET', '/v1/keys/self', { key })).body).toMatchObject({
      id,
      scopes: ['send'],
      expires_at: expiresAt.toISOString(),
      last_used_at: null,
    });
  });

  it('is how many messages there were', async () => {
    await call(api, 'POST', '/v1/messages', {
      body: { from: 'a@b.test', to: 'c@d.test', text: 'x', tag: 'counted' },
    });
    expect((await call(api, 'GET', '/v1/stats?tag=counted')).body).toMatchObject({
      messages: 1,
      recipients: { queued: 1 },
      opens: 0,
    });
    const old = '/v1/stats?since=2020-01-01T00:00:00Z&until=2020-02-01T00:00:00Z';
    expect((await call(api, 'GET', old)).body).toMatchObject({ messages: 0, recipients: {} });
    expect((await call(api, 'GET', '/v1/stats?since=x')).status).toBe(422);
  });
});
