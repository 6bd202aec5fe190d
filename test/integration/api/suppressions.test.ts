import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { addKey, type ApiUnderTest, call, countOf, runningApi } from './running-api.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await runningApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const list = '/v1/suppressions';

function importCsv(raw: string | Uint8Array) {
  return call(api, 'POST', `${list}/import`, { raw, headers: { 'content-type': 'text/csv' } });
}

async function exported(): Promise<string> {
  const response = await fetch(`${api.url}${list}/export`, {
    headers: { authorization: `Bearer ${api.key.reveal()}` },
  });
  expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8');
  return response.text();
}

describe('suppressions', () => {
  it('are added, listed, renewed and removed', async () => {
    const body = { address: 'Ann@Example.com', evidence: 'asked by phone' };
    expect(await call(api, 'POST', list, { body })).toMatchObject({
      status: 201,
      body: { address: 'ann@example.com', reason: 'manual', scope: '', expires_at: null },
    });
    await call(api, 'POST', list, { body: { ...body, reason: 'complaint' } });
    expect(await call(api, 'GET', `${list}?address=ann@example.com`)).toMatchObject({
      body: { suppressions: [{ reason: 'complaint' }], next_cursor: null },
    });
    expect((await call(api, 'DELETE', `${list}/ann@example.com?scope=news`)).status).toBe(404);
    expect((await call(api, 'DELETE', `${list}/ANN@example.com`)).status).toBe(204);
    expect((await call(api, 'DELETE', `${list}/ann@example.com`)).status).toBe(404);
  });

  it('are listed page by page, each once', async () => {
    await importCsv(Array.from({ length: 7 }, (_, place) => `p${place}@pages.test,,bounce`).join('\n'));
    const seen: unknown[] = [];
    let cursor = '';
    do {
      const { body } = await call(
        api,
        'GET',
        `${list}?limit=3&reason=bounce${cursor && `&cursor=${cursor}`}`,
      );
      seen.push(...(body['suppressions'] as { address: string }[]).map(({ address }) => address));
      cursor = typeof body['next_cursor'] === 'string' ? body['next_cursor'] : '';
    } while (cursor !== '');
    expect(seen).toEqual(Array.from({ length: 7 }, (_, place) => `p${place}@pages.test`));
    for (const wrong of ['x', 'W10', 'WyJhIl0'])
      expect(await call(api, 'GET', `${list}?cursor=${wrong}`)).toMatchObject({
        status: 422,
        body: { field: 'cursor' },
      });
  });

  it.each([
    [{ address: 'nobody' }, 'address'],
    [{}, 'address'],
    [{ address: 'a@b.test', reason: 'dislike' }, 'reason'],
    [{ address: 'a@b.test', expires_at: 'soon' }, 'expires_at'],
    [{ address: 'a@b.test', evidence: '\u0000' }, 'evidence'],
  ])('are refused as %j', async (body, field) => {
    expect(await call(api, 'POST', list, { body })).toMatchObject({ status: 422, body: { field } });
  });

  it('change only with an admin key', async () => {
    const { key } = await addKey(api.db, ['send', 'read']);
    expect((await call(api, 'POST', list, { key, body: { address: 'a@b.test' } })).status).toBe(403);
    expect((await call(api, 'DELETE', `${list}/a@b.test`, { key })).status).toBe(403);
    expect((await call(api, 'GET', list, { key })).status).toBe(200);
  });
});

describe('the list as text/csv', () => {
  it('comes in with or without column names, and goes out as it came in', async () => {
    await api.db.change('delete from suppressions');
    const named = 'reason,address,evidence\r\ncomplaint,One@x.test,"said ""no"", twice"\r\n,two@x.test,\r\n';
    expect((await importCsv(named)).body).toEqual({ read: 2, added: 2 });
    expect((await importCsv('three@x.test\nONE@x.test')).body).toEqual({ read: 2, added: 1 });
    const text = await exported();
    expect(text).toBe(
      'address,scope,reason,evidence,expires_at\r\none@x.test,,manual,,\r\nthree@x.test,,manual,,\r\ntwo@x.test,,manual,,\r\n',
    );
    expect((await importCsv(text)).body).toEqual({ read: 3, added: 0 });
  });

  it('goes out whole, however long it is', async () => {
    await importCsv(Array.from({ length: 2500 }, (_, place) => `n${place}@long.test`).join('\n'));
    expect((await exported()).match(/@long\.test/g)).toHaveLength(2500);
  });

  it.each([
    ['a record that is wrong', 'good@x.test\nnobody\n', 'record 2'],
    ['a wrong value under its name', 'address,reason\na@x.test,dislike\n', 'record 2'],
    ['an unknown column', 'address,colour\na@x.test,red\n', 'record 1'],
  ])('with %s changes nothing, and says where', async (_, raw, field) => {
    const before = await countOf(api.db, 'suppressions');
    expect(await importCsv(raw)).toMatchObject({ status: 422, body: { code: 'invalid-field', field } });
    expect(await countOf(api.db, 'suppressions')).toBe(before);
  });

  it('that is empty or no text is refused', async () => {
    expect(await importCsv('\n')).toMatchObject({ status: 400, body: { code: 'empty-body' } });
    expect(await importCsv(Buffer.from([0xff]))).toMatchObject({
      status: 400,
      body: { code: 'invalid-encoding' },
    });
  });
});
