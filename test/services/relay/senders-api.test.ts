import { expect, it } from 'vitest';

import type { HttpEnd, HttpRequest } from '../../../src/adapters/http.ts';
import { openLog } from '../../../src/adapters/log.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { askDomainsOfApi } from '../../../src/services/relay/senders-api.ts';
import { handClock } from '../api/hand-clock.ts';

function apiThat(...ends: readonly HttpEnd[]) {
  const asked: HttpRequest[] = [];
  const lines: string[] = [];
  const clock = handClock();
  const ask = askDomainsOfApi({
    http: {
      exchange: async (request) => {
        asked.push(request);
        return ends[Math.min(asked.length, ends.length) - 1] ?? gone;
      },
    },
    clock,
    url: 'http://api.internal:8081',
    token: () => new Secret('token'),
    timeoutMs: 1_000,
    log: openLog('relay', 'debug', { write: (line) => void lines.push(line) }),
  });
  return { asked, lines, ask, now: clock.now().getTime() };
}

const gone: HttpEnd = { end: 'not-sent', why: 'connection refused', forbidden: false };

function answered(status: number, body: unknown): HttpEnd {
  return { end: 'answered', status, headers: {}, body: Buffer.from(JSON.stringify(body)) };
}

const domains = { names: ['acme.test'], any: false, sender_suffices: true, age_ms: 2_000 };

it('asks the internal listener, showing its token, and tells when somebody looked by its own clock', async () => {
  const { asked, ask, now } = apiThat(answered(200, { domains, is_new: true }));

  expect(await ask(true)).toEqual({
    known: {
      domains: { names: new Set(['acme.test']), any: false, senderSuffices: true },
      seenAt: now - 2_000,
    },
    isNew: true,
  });
  expect(asked).toMatchObject([
    {
      url: 'http://api.internal:8081/internal/v1/sender-domains',
      headers: { authorization: 'Bearer token' },
      body: '{"anew":true}',
      withinMs: 1_000,
    },
  ]);
});

it('tells that nobody ever looked', async () => {
  const { ask } = apiThat(answered(200, { domains: null, is_new: false }));
  expect(await ask(false)).toEqual({ known: undefined, isNew: false });
});

it.each<[string, HttpEnd]>([
  ['is away', gone],
  ['does not know the question yet', answered(404, { code: 'not-found' })],
  ['refuses the relay', answered(401, { code: 'token-wrong' })],
  ['answers something else', answered(200, { domains: 'all' })],
])('says nothing of an api that %s', async (_, end) => {
  expect(await apiThat(end).ask(true)).toBeUndefined();
});

it('logs once that the api gives no answer, and once that it does again', async () => {
  const { ask, lines } = apiThat(gone, gone, answered(200, { domains, is_new: false }));
  for (let asked = 0; asked < 4; asked += 1) await ask(false);

  expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
    'the api does not tell which domains Postal has verified',
    'the api tells again which domains Postal has verified',
  ]);
});
