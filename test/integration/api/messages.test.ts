import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type ApiUnderTest, call, countOf, runningApi } from './running-api.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await runningApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const hello = {
  from: 'Shop <news@acme.test>',
  to: 'ann@example.com',
  subject: 'Grüße',
  text: 'Hello\nthere',
};

describe('sending', () => {
  it('stores a message with recipients, body and first event before it says 202', async () => {
    const answer = await call(api, 'POST', '/v1/messages', {
      body: {
        ...hello,
        cc: ['Bob <bob@example.com>'],
        bcc: ['eve@example.com'],
        html: '<p>Hi</p>',
        tag: 't1',
      },
    });
    expect(answer).toMatchObject({ status: 202, body: { state: 'queued', recipients: 3 } });
    const shown = await call(api, 'GET', `/v1/messages/${String(answer.body['id'])}`);
    expect(shown).toMatchObject({
      status: 200,
      body: {
        subject: 'Grüße',
        tag: 't1',
        state: 'queued',
        mail_from: 'news@acme.test',
        recipients: [
          { address: 'ann@example.com', state: 'queued' },
          { address: 'bob@example.com' },
          { address: 'eve@example.com' },
        ],
        events: [{ type: 'received', detail: { source: 'http' } }],
      },
    });
    const [row] = await api.db.query<{ raw: Buffer }>('select raw from bodies where message_id = $1', [
      answer.body['id'],
    ]);
    const raw = row?.raw.toString() ?? '';
    expect(raw).toContain('Cc: Bob <bob@example.com>\r\n');
    expect(raw).not.toContain('eve@');
    expect(raw).not.toMatch(/[^\r]\n/);
    expect(await countOf(api.db, 'bodies_rest')).toBe(0);
  });
});
