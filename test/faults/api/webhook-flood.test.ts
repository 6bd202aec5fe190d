import { generateKeyPairSync } from 'node:crypto';

import { expect, it } from 'vitest';

import { systemClock } from '../../../src/adapters/clock.ts';
import type { HttpEnd } from '../../../src/adapters/http.ts';
import {
  type ApiUnderTest,
  countOf,
  runningApi,
  signing,
  webhookToken,
  type WorldChanges,
} from '../../integration/api/running-api.ts';
import { post, postalEvent, type Signed, signed } from '../../integration/api/signed-webhook.ts';

const flood = 10_000;
/** Forged requests to each genuine one. */
const share = 50;
const lanes = 20;
const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 });

interface Forgery {
  readonly webhook: Signed;
  readonly token?: string;
}

/** One of each kind; what they claim differs, and none is by Postal. */
function forgeries(): readonly Forgery[] {
  const { body, headers } = signed(postalEvent());
  const claiming = (changes: Record<string, string>, octets = body) => ({
    webhook: { body: octets, headers: { ...headers, ...changes } },
  });
  return [
    { ...claiming({}), token: 'x'.repeat(48) },
    claiming({ 'x-postal-signature-256': '' }),
    claiming({ 'x-postal-signature-256': headers['x-postal-signature'] ?? '' }),
    claiming({}, postalEvent()),
    claiming({}, body.subarray(0, -1)),
    claiming({}, Buffer.concat([body, Buffer.from(' ')])),
    claiming({}, Buffer.alloc(0)),
    { webhook: signed(postalEvent(), foreign) },
    claiming({ 'x-postal-signature-kid': 'f'.repeat(64) }),
    { webhook: signed(postalEvent({ note: 'x'.repeat(9000) }), foreign) },
  ];
}

/** How many requests ended in which way, by the api's metrics. */
async function webhookTotals({ health }: ApiUnderTest): Promise<Readonly<Record<string, number>>> {
  const metrics = await (await fetch(`${health}/metrics`)).text();
  const counted = [...metrics.matchAll(/^mailctl_webhook_in_total\{result="(\w+)"[^}]*\} (\d+)$/gm)];
  return Object.fromEntries(counted.map(([, result = '', count]) => [result, Number(count)]));
}

function jwksOf(...keys: readonly (typeof signing)[]): HttpEnd {
  const body = Buffer.from(
    JSON.stringify({ keys: keys.map(({ publicKey }) => publicKey.export({ format: 'jwk' })) }),
  );
  return { end: 'answered', status: 200, headers: {}, body };
}

/** An api that asks this Postal for its keys, and lets few requests that nobody signed pass. */
function apiAsking(
  postal: { answer: HttpEnd; asked: number },
  variables: Readonly<Record<string, string>>,
  changes: WorldChanges = {},
): Promise<ApiUnderTest> {
  const exchange = async (): Promise<HttpEnd> => {
    postal.asked += 1;
    return postal.answer;
  };
  const limits = { POSTAL_KEY_REFETCH: '1h', API_FAILURE_LIMIT: '5', LOG_LEVEL: 'error' };
  return runningApi(
    { POSTAL_WEBHOOK_PUBLIC_KEY: '', ...limits, ...variables },
    { http: { exchange }, ...changes },
  );
}

it(
  'ten thousand forged webhooks change nothing, and every genuine one that comes between them from the same address is taken',
  { timeout: 300_000 },
  async () => {
    const postal = { answer: jwksOf(signing), asked: 0 };
    await using api = await apiAsking(postal, { POSTAL_WEBHOOK_MAX_BYTES: '8KB', API_RATE_PERIOD: '1h' });
    const kinds = forgeries();
    const forged = new Map<number, number>();
    const genuine: number[] = [];
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < flood) {
        const turn = next++;
        if (turn % share === 0) genuine.push(await post(api, signed(postalEvent())));
        const kind = kinds[turn % kinds.length];
        if (!kind) continue;
        const status = await post(api, kind.webhook, kind.token ?? webhookToken);
        forged.set(status, (forged.get(status) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));

    expect(genuine).toEqual(Array.from({ length: flood / share }, () => 200));
    expect(await countOf(api.db, 'postal_webhooks')).toBe(flood / share);
    expect([...forged.keys()].filter((status) => ![403, 404, 413, 429].includes(status))).toEqual([]);
    expect([...forged.values()].reduce((sum, count) => sum + count, 0)).toBe(flood);
    // Whatever keys they made up, Postal was asked for its own once.
    expect(postal.asked).toBe(1);
    const totals = await webhookTotals(api);
    expect(totals).toMatchObject({ accepted: flood / share, wrong_token: flood / kinds.length });
    expect((totals['forged'] ?? 0) + (totals['unknown_key'] ?? 0) + (totals['wrong_token'] ?? 0)).toBe(flood);
  },
);

it(
  'two thousand made-up key names while Postal is away have it asked once, are counted, and keep no genuine webhook out',
  { timeout: 120_000 },
  async () => {
    const requests = 2000;
    const postal = { answer: jwksOf(signing), asked: 0 };
    let laterMs = 0;
    await using api = await apiAsking(
      postal,
      { POSTAL_JWKS_TIMEOUT: '10ms', POSTAL_JWKS_RETRY: '10ms', API_RATE_PERIOD: '10h' },
      { clock: { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + laterMs } },
    );
    expect(await post(api, signed(postalEvent()))).toBe(200);
    postal.answer = { end: 'not-sent', why: 'it is away', forbidden: false };
    laterMs += 3_600_000;
    const answers = { forged: new Set<number>(), genuine: [] as number[] };
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < requests) {
        const turn = next++;
        if (turn % share === 0) answers.genuine.push(await post(api, signed(postalEvent())));
        const { body, headers } = signed(postalEvent(), foreign);
        const kid = turn.toString(16).padStart(64, '0');
        answers.forged.add(await post(api, { body, headers: { ...headers, 'x-postal-signature-kid': kid } }));
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));

    expect(postal.asked).toBe(2);
    expect(answers.genuine).toEqual(Array.from({ length: requests / share }, () => 200));
    expect([...answers.forged].toSorted()).toEqual([429, 503]);
    const totals = await webhookTotals(api);
    expect(totals).toMatchObject({ unverifiable: requests, accepted: 1 + requests / share });

    postal.answer = jwksOf(signing, foreign);
    laterMs += 3_600_000;
    expect(await post(api, signed(postalEvent(), foreign))).toBe(200);
  },
);
