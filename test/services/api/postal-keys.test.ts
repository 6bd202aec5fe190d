import { generateKeyPairSync } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import type { HttpEnd } from '../../../src/adapters/http.ts';
import { silentLog } from '../../../src/adapters/log.ts';
import { kidOf } from '../../../src/domain/postal-webhook.ts';
import { jwksKeys, pinnedKeys } from '../../../src/services/api/postal-keys.ts';
import { handClock } from './hand-clock.ts';

const [one, two] = [newKey(), newKey()];
const minute = 60_000;

function newKey() {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  return { kid: kidOf(publicKey), key: publicKey };
}

function jwks(...keys: readonly { key: typeof one.key }[]): HttpEnd {
  const body = Buffer.from(JSON.stringify({ keys: keys.map(({ key }) => key.export({ format: 'jwk' })) }));
  return { end: 'answered', status: 200, headers: {}, body };
}

/** Keys from a Postal that answers as the test says. */
function keysFrom(first: HttpEnd) {
  const postal = { answer: first, answers: [] as HttpEnd[], asked: 0 };
  const clock = handClock();
  const http = {
    exchange: async (): Promise<HttpEnd> => {
      postal.asked += 1;
      return postal.answers.shift() ?? postal.answer;
    },
  };
  const options = {
    url: 'http://p',
    hostname: 'p',
    timeoutMs: 1000,
    retryMs: 250,
    refetchMs: minute,
    overlapMs: 60 * minute,
  };
  return { postal, clock, keys: jwksKeys(options, { clock, http, log: silentLog }) };
}

const away: HttpEnd = { end: 'no-answer', why: 'it is away' };

describe("Postal's keys", () => {
  it('are fetched once, when the first webhooks come', async () => {
    const { postal, keys } = keysFrom(jwks(one));
    const found = await Promise.all([keys.find(one.kid), keys.find(one.kid)]);
    expect(found.map(({ kind }) => kind)).toEqual(['found', 'found']);
    expect(postal.asked).toBe(1);
  });

  it('are fetched again for an unknown name, at most once a minute', async () => {
    const { postal, clock, keys } = keysFrom(jwks(one));
    await keys.find(one.kid);
    for (let turn = 0; turn < 5; turn += 1) expect((await keys.find(two.kid)).kind).toBe('unknown');
    expect(postal.asked).toBe(1);
    postal.answer = jwks(two);
    clock.pass(minute);
    expect((await keys.find(two.kid)).kind).toBe('found');
    expect(postal.asked).toBe(2);
  });

  it('are believed for the overlap after they left the set, and no longer', async () => {
    const { postal, clock, keys } = keysFrom(jwks(one));
    await keys.find(one.kid);
    postal.answer = jwks(two);
    clock.pass(minute);
    await keys.find(two.kid);
    clock.pass(59 * minute);
    expect((await keys.find(one.kid)).kind).toBe('found');
    clock.pass(2 * minute);
    expect((await keys.find(one.kid)).kind).toBe('unknown');
  });

  it('stay believed while Postal is away', async () => {
    const { postal, clock, keys } = keysFrom(jwks(one));
    await keys.find(one.kid);
    postal.answer = away;
    clock.pass(1000 * minute);
    expect((await keys.find(one.kid)).kind).toBe('found');
    expect((await keys.find(two.kid)).kind).toBe('unreachable');
  });

  it('are not asked for by made-up names soon after Postal could not be asked, and the known one is believed all the while', async () => {
    const { postal, clock, keys } = keysFrom(jwks(one));
    await keys.find(one.kid);
    postal.answer = away;
    clock.pass(minute);
    for (let turn = 0; turn < 5; turn += 1) {
      expect((await keys.find(two.kid)).kind).toBe('unreachable');
      expect((await keys.find(one.kid)).kind).toBe('found');
    }
    expect(postal.asked).toBe(1 + 4);

    postal.answer = jwks(one, two);
    clock.pass(minute - 1);
    expect((await keys.find(two.kid)).kind).toBe('unreachable');
    clock.pass(1);
    expect((await keys.find(two.kid)).kind).toBe('found');
    expect(postal.asked).toBe(1 + 4 + 1);
  });

  it.each([
    ['is away', away],
    ['refuses', { end: 'answered', status: 403, headers: {}, body: Buffer.alloc(0) }],
    ['answers something else', { end: 'answered', status: 200, headers: {}, body: Buffer.from('<html>') }],
    ['has no key', jwks()],
  ] satisfies [string, HttpEnd][])(
    'cannot be had when Postal %s, and are had at the next webhook after it does',
    async (_, end) => {
      const { postal, keys } = keysFrom(end);
      const both = await Promise.all([keys.find(one.kid), keys.find(one.kid)]);
      expect(both.map(({ kind }) => kind)).toEqual(['unreachable', 'unreachable']);
      expect(postal.asked).toBe(4);
      postal.answer = jwks(one);
      expect((await keys.find(one.kid)).kind).toBe('found');
    },
  );

  it('are waited for by a webhook that comes while Postal starts anew', async () => {
    const { postal, keys } = keysFrom(away);
    postal.answers = [away, away, jwks(one)];
    expect((await keys.find(one.kid)).kind).toBe('found');
    expect(postal.asked).toBe(3);
  });

  it('may be pinned, and then no other is believed', async () => {
    const keys = pinnedKeys(() => one.key.export({ type: 'spki', format: 'pem' }).toString());
    expect((await keys.find(one.kid)).kind).toBe('found');
    expect((await keys.find(two.kid)).kind).toBe('unknown');
  });
});
