import { expect, it } from 'vitest';

import type { HttpEnd, HttpRequest } from '../../../src/adapters/http.ts';
import { silentLog } from '../../../src/adapters/log.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { checkLoginByApi } from '../../../src/services/relay/login-api.ts';

const login = { username: 'ann', password: new Secret('right') };

function apiThat(end: HttpEnd) {
  const asked: HttpRequest[] = [];
  const check = checkLoginByApi({
    http: {
      exchange: async (request) => {
        asked.push(request);
        return end;
      },
    },
    url: 'http://api.internal:8081',
    token: () => new Secret('token'),
    timeoutMs: 1_000,
    log: silentLog,
  });
  return { asked, check };
}

function answered(status: number, body: unknown): HttpEnd {
  return { end: 'answered', status, headers: {}, body: Buffer.from(JSON.stringify(body)) };
}

it('asks the internal listener, showing its token, and reads domains in lower case', async () => {
  const credential = { id: 'usr_1', username: 'ann', senderDomains: ['Example.COM'] };
  const { asked, check } = apiThat(answered(200, { outcome: 'accepted', credential, more: 1 }));

  expect(await check(login)).toEqual({
    outcome: 'accepted',
    credential: { ...credential, senderDomains: ['example.com'] },
  });
  expect(asked).toMatchObject([
    {
      url: 'http://api.internal:8081/internal/v1/smtp-auth',
      headers: { authorization: 'Bearer token' },
      body: '{"username":"ann","password":"right"}',
      withinMs: 1_000,
    },
  ]);
});

it('believes a refusal', async () => {
  expect(await apiThat(answered(200, { outcome: 'refused' })).check(login)).toEqual({ outcome: 'refused' });
});

it('tells a password that expired from a wrong one', async () => {
  const { check } = apiThat(answered(200, { outcome: 'refused', code: 'key-expired' }));
  expect(await check(login)).toEqual({ outcome: 'expired' });
});

it.each<[string, HttpEnd]>([
  ['a wrong token', answered(401, {})],
  ['a failure', answered(500, { outcome: 'refused' })],
  ['another answer', answered(200, { outcome: 'maybe' })],
  ['half a credential', answered(200, { outcome: 'accepted', credential: { id: 'usr_1' } })],
  ['a web page', { end: 'answered', status: 200, headers: {}, body: Buffer.from('<html>') }],
  ['silence', { end: 'no-answer', why: 'no complete answer within 1000 ms' }],
  ['no connection', { end: 'not-sent', why: 'refused', forbidden: false }],
])('takes %s for no answer', async (_, end) => {
  expect(await apiThat(end).check(login)).toEqual({ outcome: 'unavailable' });
});
