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
        priority: 'high',
      },
    });
    expect(answer).toMatchObject({ status: 202, body: { state: 'queued', recipients: 3 } });
    const shown = await call(api, 'GET', `/v1/messages/${String(answer.body['id'])}`);
    expect(shown).toMatchObject({
      status: 200,
      body: {
        subject: 'Grüße',
        tag: 't1',
        priority: 'high',
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

describe('a message of JSON', () => {
  it('goes out with its attachments and headers, and is shown with its metadata', async () => {
    const { body } = await call(api, 'POST', '/v1/messages', {
      body: {
        ...hello,
        reply_to: 'help@acme.test',
        attachments: [
          {
            filename: 'bill.txt',
            content: Buffer.from('12 EUR').toString('base64'),
            content_type: 'text/plain',
          },
        ],
        headers: { 'X-Order': '7' },
        metadata: { order: '7', 'a.b': 'c' },
      },
    });
    const id = String(body['id']);
    const { body: shown } = await call(api, 'GET', `/v1/messages/${id}`);
    expect(shown['metadata']).toEqual({ order: '7', 'a.b': 'c' });
    const [row] = await api.db.query<{ raw: Buffer }>('select raw from bodies where message_id = $1', [id]);
    const raw = row?.raw.toString() ?? '';
    expect(raw).toContain('Reply-To: help@acme.test\r\n');
    expect(raw).toContain('X-Order: 7\r\n');
    expect(raw).toMatch(/Content-Disposition: attachment; filename="?bill\.txt"?\r\n/);
    expect(raw).toMatch(/12 EUR|MTIgRVVS/);
  });
});

describe('the list of messages', () => {
  const listed = async (query: string) => {
    const { body } = await call(api, 'GET', `/v1/messages?${query}`);
    const ids = (body['messages'] as { id: string }[]).map(({ id }) => id);
    return { ids, next: body['next_cursor'] as string | null };
  };
  const send = async (changes: object) =>
    String((await call(api, 'POST', '/v1/messages', { body: { ...hello, ...changes } })).body['id']);

  it('comes page by page, newest first, each message once', async () => {
    const made = [];
    for (let turn = 0; turn < 5; turn += 1) made.push(await send({ tag: 'paged' }));
    const pages = [];
    let cursor = '';
    do {
      const { ids, next } = await listed(`tag=paged&limit=2${cursor && `&cursor=${cursor}`}`);
      pages.push(ids);
      cursor = next ?? '';
    } while (cursor !== '');
    expect(pages.map(({ length }) => length)).toEqual([2, 2, 1]);
    expect(pages.flat()).toEqual(made.toSorted().toReversed());
  });

  it('holds what each filter names', async () => {
    const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
    const other = await send({ tag: 'other' });
    const wanted = await send({ tag: 'wanted', to: 'wanted@example.com', send_at: inAnHour });
    const { body } = await call(api, 'GET', `/v1/messages/${wanted}`);
    const filters = [
      'tag=wanted',
      'state=scheduled',
      'recipient=wanted@example.com',
      `message_id=${encodeURIComponent(String(body['message_id']))}`,
      `since=${String(body['created_at'])}`,
    ];
    for (const filter of filters) expect([filter, (await listed(filter)).ids]).toEqual([filter, [wanted]]);
    const { ids } = await listed(`until=${String(body['created_at'])}`);
    expect([ids.includes(other), ids.includes(wanted)]).toEqual([true, false]);
  });
});
