import { describe, expect, it } from 'vitest';

import type { HttpEnd, HttpRequest } from '../../../src/adapters/http.ts';
import { systemRandom } from '../../../src/adapters/random.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { sealSecret } from '../../../src/domain/sealed-secret.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { callEndpoint } from '../../../src/services/worker/call-endpoint.ts';
import type { ClaimedWebhook } from '../../../src/store/webhook-deliveries.ts';
import { sourcesOf } from '../../config/valid-sources.ts';
import { standingClock } from '../../fakes/standing-clock.ts';

const key = new Secret('k'.repeat(43));
const minute = 60_000;
const clock = standingClock(new Date('2026-03-01T12:00:00Z'));

function webhook(changes: Partial<ClaimedWebhook> = {}): ClaimedWebhook {
  const secret = new Secret(`whsec_${Buffer.from('s'.repeat(32)).toString('base64')}`);
  return {
    id: 'whd_1',
    endpointId: 'whe_1',
    eventId: 'evt_1',
    isTest: false,
    body: '{}',
    attempts: 1,
    url: 'https://ams.example.com/hook',
    sealedSecret: Buffer.from(sealSecret(secret, { key, owner: 'whe_1' }, new Uint8Array(12))),
    sealedPreviousSecret: null,
    secretExpiresAt: null,
    previousExpiresAt: null,
    ...changes,
  };
}

async function call(
  end: HttpEnd,
  changes: Partial<ClaimedWebhook> = {},
  schedule: number[] = [10 * minute, 60 * minute],
) {
  const asked: HttpRequest[] = [];
  const room = {
    clock,
    random: { ...systemRandom, fraction: () => 0.5 },
    http: {
      exchange: (request: HttpRequest) => {
        asked.push(request);
        return Promise.resolve(end);
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
    config: {
      WEBHOOK_SEALING_KEY: key,
      WEBHOOK_TIMEOUT: 15_000,
      WEBHOOK_RETRY_SCHEDULE: schedule,
    },
  };
  return { ...(await callEndpoint(room, webhook(changes))), asked };
}

function answered(status: number, headers: Record<string, string> = {}): HttpEnd {
  return { end: 'answered', status, headers, body: Buffer.alloc(0) };
}

const silent: HttpEnd = { end: 'no-answer', why: 'no complete answer within 15000 ms' };

describe('a call of an endpoint', () => {
  it.each([200, 204, 299])('is taken when it is answered %i', async (status) => {
    expect(await call(answered(status))).toMatchObject({
      outcome: 'answered',
      attempt: { status, next: { state: 'delivered' } },
    });
  });

  it.each([301, 307, 400, 401, 404, 410, 422, 429])(
    'is tried again when it is answered %i, which is no sign that the endpoint is dead',
    async (status) => {
      expect(await call(answered(status))).toMatchObject({
        outcome: 'answered',
        isGone: status === 410,
        attempt: { status, next: { state: 'waiting', inMs: 5 * minute } },
      });
    },
  );

  it.each<[string, HttpEnd]>([
    ['500', answered(500)],
    ['503', answered(503)],
    ['nothing in time', silent],
    ['nothing, because nobody listens', { end: 'not-sent', why: 'ECONNREFUSED', forbidden: false }],
  ])('counts as a failure of the endpoint when it is answered %s', async (_, end) => {
    expect(await call(end)).toMatchObject({ outcome: 'failed', attempt: { next: { state: 'waiting' } } });
  });

  it('waits as long as the endpoint asks, by seconds or a date, but no longer than the longest step', async () => {
    const waits = [];
    for (const asked of ['1200', 'Sun, 01 Mar 2026 12:30:00 GMT', '1', '86400', 'soon'])
      waits.push((await call(answered(503, { 'retry-after': asked }))).attempt.next);
    expect(waits.map((next) => next.state === 'waiting' && next.inMs / minute)).toEqual([20, 30, 5, 60, 5]);
  });

  it('is the last when the schedule is over, and the only one of a test', async () => {
    expect((await call(silent, { attempts: 3 })).attempt.next).toEqual({ state: 'dead' });
    expect((await call(silent, { isTest: true })).attempt.next).toEqual({ state: 'dead' });
  });

  it('is made for about three days, on the mean of the jitter, before the default schedule gives it up', async () => {
    const schedule = loadConfig('worker', sourcesOf()).WEBHOOK_RETRY_SCHEDULE;
    let waitedMs = 0;
    for (let attempts = 1; ; attempts += 1) {
      const { next } = (await call(silent, { attempts }, schedule)).attempt;
      if (next.state !== 'waiting') break;
      waitedMs += next.inMs;
    }
    const days = waitedMs / (24 * 60 * minute);
    expect(days).toBeGreaterThan(2.5);
    expect(days).toBeLessThan(3.5);
  });

  it('is given the time it may take, and not made without a signature', async () => {
    expect((await call(answered(200))).asked).toMatchObject([
      {
        withinMs: 15_000,
        headers: {
          'webhook-id': 'evt_1',
          'webhook-timestamp': '1772366400',
          'webhook-signature': expect.stringMatching(/^v1,/),
        },
      },
    ]);
    const unsigned = await call(answered(200), { sealedSecret: Buffer.from('not sealed by us') });
    expect(unsigned).toMatchObject({ outcome: 'unused', asked: [], attempt: { next: { state: 'waiting' } } });
  });
});

describe('a secret of an endpoint', () => {
  const past = new Date(clock.now().getTime() - 1);
  const soon = new Date(clock.now().getTime() + 1);
  const previous = webhook().sealedSecret;
  const signatures = async (changes: Partial<ClaimedWebhook>) => {
    const { asked } = await call(answered(200), changes);
    return asked.map(({ headers }) => headers?.['webhook-signature']?.split(' ').length);
  };

  it('signs up to its end, also beside one that goes on', async () => {
    expect(await signatures({ secretExpiresAt: soon })).toEqual([1]);
    expect(await signatures({ sealedPreviousSecret: previous })).toEqual([2]);
    expect(await signatures({ sealedPreviousSecret: previous, previousExpiresAt: past })).toEqual([1]);
    expect(await signatures({ sealedPreviousSecret: previous, secretExpiresAt: past })).toEqual([1]);
  });

  it('has what is to be signed wait when it ended, and says so, without a word to the endpoint', async () => {
    const ended = await call(answered(200), { secretExpiresAt: past });
    expect(ended).toMatchObject({ outcome: 'unused', asked: [], attempt: { next: { state: 'waiting' } } });
    expect(ended.attempt.error).toBe(
      `key-expired: its secret signs no more since ${past.toISOString()}: mailctl keys rotate whe_1`,
    );
  });
});
