import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type ApiUnderTest, call, countOf, runningApi } from './running-api.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await runningApi({ API_MAX_BATCH: '5' });
});
afterAll(() => api[Symbol.asyncDispose]());

const hello = { from: 'news@acme.test', to: 'ann@example.com', text: 'Hello' };

function send(messages: unknown, headers: Record<string, string> = {}) {
  return call(api, 'POST', '/v1/messages/batch', { body: { messages }, headers });
}

describe('a batch', () => {
  it('accepts what is right and refuses what is wrong, each for itself and in order', async () => {
    const before = await countOf(api.db, 'messages');
    const answer = await send([hello, { ...hello, to: 'nobody' }, 7, { ...hello, subject: 'Last' }]);
    expect(answer).toMatchObject({
      status: 202,
      body: {
        results: [
          { outcome: 'accepted', message: { state: 'queued' } },
          { outcome: 'refused', problem: { code: 'invalid-field', field: 'to', status: 422 } },
          { outcome: 'refused', problem: { code: 'invalid-field' } },
          { outcome: 'accepted' },
        ],
      },
    });
    expect(await countOf(api.db, 'messages')).toBe(before + 2);
    const results = answer.body['results'] as { message?: { id: string } }[];
    const shown = await call(api, 'GET', `/v1/messages/${results[3]?.message?.id ?? ''}`);
    expect(shown.body['subject']).toBe('Last');
  });

  it('sent twice under one name is stored once', async () => {
    const headers = { 'idempotency-key': 'batch-1' };
    const first = await send([hello, hello], headers);
    const before = await countOf(api.db, 'messages');
    const second = await send([hello, hello], headers);
    expect(second.body).toEqual(first.body);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect(await countOf(api.db, 'messages')).toBe(before);
    const single = await call(api, 'POST', '/v1/messages', { body: { messages: [hello, hello] }, headers });
    expect(single.status).toBe(422);
  });

  it.each([
    ['that is empty', []],
    ['that is too long', [1, 2, 3, 4, 5, 6]],
    ['that is no list', 'x'],
  ])('%s is refused whole', async (_, messages) => {
    expect(await send(messages)).toMatchObject({ status: 422, body: { field: 'messages' } });
  });
});
