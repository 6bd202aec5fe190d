import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { systemRandom } from '../../../src/adapters/random.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { type Unsubscription, unsubscribeUrl } from '../../../src/domain/unsubscribe.ts';
import { listSuppressions } from '../../../src/store/suppressions.ts';
import { type ApiUnderTest, call, countOf, runningApi, unsubscribeKey } from './running-api.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await runningApi({ API_FAILURE_LIMIT: '1000' });
});
afterAll(() => api[Symbol.asyncDispose]());

const oneClick = {
  method: 'POST',
  body: 'List-Unsubscribe=One-Click',
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
};

function linkOf(what: Unsubscription, key = unsubscribeKey, base = api.url): string {
  return unsubscribeUrl(what, { base, key: new Secret(key), random: systemRandom });
}

async function sent(changes: object = {}): Promise<string> {
  const body = {
    from: 'news@acme.test',
    to: 'ann@example.test',
    text: 'Hello',
    tag: 'summer',
    unsubscribe: 'tag',
    ...changes,
  };
  const answer = await call(api, 'POST', '/v1/messages', { body });
  expect(answer.status).toBe(202);
  return String(answer.body['id']);
}

async function listed(address: string) {
  const all = await listSuppressions(api.db, { address, reason: undefined, after: undefined, limit: 10 });
  return all.map(({ scope, reason, evidence, expiresAt }) => ({ scope, reason, evidence, expiresAt }));
}

const wishOf = async (id: string) =>
  (
    await api.db.query<{ unsubscribe: string | null }>('select unsubscribe from messages where id = $1', [id])
  )[0]?.unsubscribe;

describe('a one-click link', () => {
  it('ends the mail of its kind when it is posted to, and AMS is told once', async () => {
    await call(api, 'POST', '/v1/webhooks', {
      body: { url: 'https://ams.example.com/hook', events: ['message.unsubscribed'] },
    });
    const id = await sent();
    const link = linkOf({ messageId: id, address: 'ann@example.test', scope: 'summer' });
    const answers = await Promise.all([fetch(link, oneClick), fetch(link, oneClick), fetch(link, oneClick)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await answers[0]?.text()).toContain('gets no more mail of the kind “summer”');
    expect(await listed('ann@example.test')).toEqual([
      {
        scope: 'summer',
        reason: 'unsubscribe',
        evidence: `one-click link of message ${id}`,
        expiresAt: undefined,
      },
    ]);
    const told = await api.db.query<{ body: string }>('select body from webhook_deliveries');
    expect(told.map(({ body }) => JSON.parse(body))).toMatchObject([
      {
        type: 'message.unsubscribed',
        data: { message_id: id, recipient: 'ann@example.test', detail: { scope: 'summer' } },
      },
    ]);
  });

  it('shows a page and changes nothing when it is only looked at', async () => {
    const link = linkOf({ messageId: 'msg_x', address: 'bob@example.test', scope: '' });
    const looked = await fetch(link);
    const html = await looked.text();
    expect([looked.status, looked.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(looked.headers.get('cache-control')).toBe('no-store');
    expect(looked.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(html).toContain('<form method="post">');
    expect(html).toContain('b***@example.test');
    expect(html).not.toContain('bob@');
    expect(await listed('bob@example.test')).toEqual([]);
  });

  it('works in either encoding of forms, and when the message is long gone', async () => {
    const link = linkOf({ messageId: 'msg_gone', address: 'Carl@example.test', scope: '' });
    const form = new FormData();
    form.set('List-Unsubscribe', 'One-Click');
    expect((await fetch(link, { method: 'POST', body: form })).status).toBe(200);
    expect(await listed('carl@example.test')).toMatchObject([{ scope: '', reason: 'unsubscribe' }]);
  });

  it('that is not ours, or not whole, changes nothing', async () => {
    const before = await countOf(api.db, 'suppressions');
    const what = { messageId: 'msg_x', address: 'dora@example.test', scope: '' };
    const good = linkOf(what);
    const bad = [
      linkOf(what, 'another-key-that-is-long-enough-0123456789'),
      good.slice(0, -1),
      `${api.url}/unsubscribe`,
      `${good}&t=x`,
    ];
    for (const link of bad) {
      expect((await fetch(link, oneClick)).status).toBe(404);
      expect((await fetch(link)).status).toBe(404);
    }
    expect(await countOf(api.db, 'suppressions')).toBe(before);
  });

  it('of the key before is still taken', async () => {
    await using rotated = await runningApi({
      UNSUBSCRIBE_KEY: 'a-new-unsubscribe-key-that-is-long-enough-01234567',
      UNSUBSCRIBE_PREVIOUS_KEY: unsubscribeKey,
    });
    const link = linkOf(
      { messageId: 'msg_x', address: 'ann@example.test', scope: '' },
      unsubscribeKey,
      rotated.url,
    );
    expect((await fetch(link, oneClick)).status).toBe(200);
  });

  it('with a scope of markup is shown as text', async () => {
    const link = linkOf({
      messageId: 'msg_x',
      address: 'ann@example.test',
      scope: '<script>alert(1)</script>',
    });
    expect(await (await fetch(link)).text()).not.toContain('<script>');
  });

  it('may be tried in vain only so often, and a real one still works from there', async () => {
    await using limited = await runningApi({ API_FAILURE_LIMIT: '2', API_RATE_PERIOD: '1h' });
    const statuses = [];
    for (let turn = 0; turn < 3; turn += 1)
      statuses.push((await fetch(`${limited.url}/unsubscribe?t=x`, oneClick)).status);
    expect(statuses).toEqual([404, 404, 429]);
    const link = linkOf(
      { messageId: 'msg_x', address: 'ann@example.test', scope: '' },
      unsubscribeKey,
      limited.url,
    );
    expect((await fetch(link, oneClick)).status).toBe(200);
  });

  it('is not posted with more than UNSUBSCRIBE_MAX_BYTES', async () => {
    const link = linkOf({ messageId: 'msg_x', address: 'eve@example.test', scope: '' });
    expect((await fetch(link, { ...oneClick, body: 'x'.repeat(20_000) })).status).toBe(413);
    expect(await listed('eve@example.test')).toEqual([]);
  });
});

describe('asking for a link', () => {
  it('is done by a field, or by a header of a whole message', async () => {
    expect(await wishOf(await sent())).toBe('tag');
    expect(await wishOf(await sent({ unsubscribe: 'all' }))).toBe('all');
    expect(await wishOf(await sent({ unsubscribe: undefined }))).toBeNull();
    expect(
      await wishOf(await sent({ unsubscribe: 'all', send_at: new Date(Date.now() + 60_000).toISOString() })),
    ).toBe('all');
    const raw =
      'From: news@acme.test\r\nTo: ann@example.test\r\nX-Mailctl-Unsubscribe: all\r\nSubject: x\r\n\r\nhello\r\n';
    const answer = await call(api, 'POST', '/v1/messages', {
      raw,
      headers: { 'content-type': 'message/rfc822' },
    });
    expect(await wishOf(String(answer.body['id']))).toBe('all');
  });

  it('for what is none, or for a tag where there is none, is refused by name', async () => {
    const body = { from: 'news@acme.test', to: 'ann@example.test', text: 'Hello' };
    for (const changes of [{ unsubscribe: 'yes' }, { unsubscribe: 'tag' }, { unsubscribe: true }])
      expect(await call(api, 'POST', '/v1/messages', { body: { ...body, ...changes } })).toMatchObject({
        status: 422,
        body: { code: 'invalid-field', field: 'unsubscribe' },
      });
  });
});
