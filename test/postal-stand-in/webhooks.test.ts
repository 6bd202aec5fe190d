import { createPublicKey } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { systemClock } from '../../src/adapters/clock.ts';
import { isSignedBy } from '../../src/domain/postal-webhook.ts';
import { quickClock } from './clocks.ts';
import { startTestPostal, type TestPostal } from './stand-in.ts';
import { type Received, type Receiver, startReceiver } from './webhook-receiver.ts';

const minutes = (count: number) => count * 60_000;

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(async () => receiver[Symbol.asyncDispose]());
beforeEach(() => {
  receiver.answer(200);
  receiver.received.length = 0;
});

interface Attempt {
  readonly attempt: number;
  readonly status_code: number;
  readonly will_retry: boolean;
}

describe("Postal's retries of a webhook", () => {
  test('come after 2, 3, 6, 10 and 15 minutes with the same octets and signatures; then the event is lost', async () => {
    receiver.answer(500);
    const clock = quickClock();
    await using running = await startTestPostal({ webhook: { url: receiver.url } }, { clock });
    await running.sendRaw(['bob@b.rcpt.test']);
    await receiver.next(() => receiver.received.length === 6);
    await running.postal.idle();
    expect(clock.waits).toEqual([2, 3, 6, 10, 15].map(minutes));
    expect(new Set(receiver.received.map(fingerprint))).toHaveLength(1);
    const attempts = await attemptsOf(running);
    expect(
      attempts.map(({ attempt, status_code: code, will_retry: retried }) => [attempt, code, retried]),
    ).toEqual([1, 2, 3, 4, 5, 6].map((attempt) => [attempt, 500, attempt < 6]));
  });

  test('end with the first 2xx', async () => {
    receiver.answer(429);
    await using running = await startTestPostal({ webhook: { url: receiver.url } }, { clock: quickClock() });
    await running.sendRaw(['bob@b.rcpt.test']);
    await receiver.next(() => true);
    receiver.answer(204);
    await receiver.next(() => receiver.received.length >= 2);
    await running.postal.idle();
    const attempts = await attemptsOf(running);
    expect(attempts.at(-1)).toMatchObject({ status_code: 204, will_retry: false });
    expect(attempts).toHaveLength(receiver.received.length);
  });

  test('pass faster when the stand-in is told to', async () => {
    receiver.answer(503);
    const clock = quickClock();
    await using running = await startTestPostal({ webhook: { url: receiver.url }, speed: 60 }, { clock });
    await running.sendRaw(['bob@b.rcpt.test']);
    await receiver.next(() => receiver.received.length === 6);
    expect(clock.waits).toEqual([2, 3, 6, 10, 15].map((count) => count * 1000));
  });
});

describe('a reset', () => {
  test('forgets webhooks and mail that wait for their next attempt', async () => {
    receiver.answer(500);
    const held: (() => void)[] = [];
    const clock = { ...systemClock, sleep: () => new Promise<void>((resolve) => held.push(resolve)) };
    await using running = await startTestPostal({ webhook: { url: receiver.url } }, { clock });
    await running.sendRaw(['softfail@b.rcpt.test']);
    await receiver.next(() => true);
    await running.postal.idle();
    running.postal.reset();
    for (const end of held) end();
    await running.sendRaw(['bob@b.rcpt.test']);
    await receiver.next(({ event }) => event === 'MessageSent');
    await running.postal.idle();
    expect(held).toHaveLength(3);
    expect(receiver.received.map(({ event }) => event)).toEqual(['MessageDelayed', 'MessageSent']);
  });
});

describe('a webhook fails', () => {
  test('with -1 when nobody answers in time', async () => {
    receiver.answer('silence');
    await using running = await startTestPostal({ webhook: { url: receiver.url, timeoutMs: 50 } });
    await running.sendRaw(['bob@b.rcpt.test']);
    await running.postal.idle();
    expect(await attemptsOf(running)).toMatchObject([{ attempt: 1, status_code: -1, will_retry: true }]);
  });

  test('with -2 when nobody listens', async () => {
    const gone = await startReceiver();
    await gone[Symbol.asyncDispose]();
    await using running = await startTestPostal({ webhook: { url: gone.url } });
    await running.sendRaw(['bob@b.rcpt.test']);
    await running.postal.idle();
    expect(await attemptsOf(running)).toMatchObject([{ attempt: 1, status_code: -2, will_retry: true }]);
  });

  test('on a redirect, which is not followed', async () => {
    receiver.answer({ redirectTo: `${receiver.url}/elsewhere` });
    await using running = await startTestPostal({ webhook: { url: receiver.url } });
    await running.sendRaw(['bob@b.rcpt.test']);
    await running.postal.idle();
    expect(await attemptsOf(running)).toMatchObject([{ status_code: 302, will_retry: true }]);
    expect(receiver.received.map(({ url }) => url)).toEqual(['/']);
  });
});

describe('on request', () => {
  test('an event is withheld, and only as often as asked', async () => {
    await using running = await startTestPostal({ webhook: { url: receiver.url } });
    running.postal.order({ kind: 'webhook-withheld', count: 1, scope: { event: 'MessageSent' } });
    await running.sendRaw(['first@b.rcpt.test']);
    await running.postal.idle();
    await running.sendRaw(['second@b.rcpt.test']);
    await running.postal.idle();
    expect(receiver.received.map(({ body }) => JSON.parse(body.toString()).payload.message.to)).toEqual([
      'second@b.rcpt.test',
    ]);
  });

  test('an event is signed by a key that the JWKS does not hold', async () => {
    await using running = await startTestPostal({ webhook: { url: receiver.url } });
    running.postal.order({ kind: 'webhook-foreign-key', count: 1 });
    await running.sendRaw(['bob@b.rcpt.test', 'ann@b.rcpt.test']);
    await running.postal.idle();
    const key = { kid: running.postal.kid, key: createPublicKey(running.postal.signingPublicKey) };
    const isOurs = ({ body, headers }: Received) =>
      isSignedBy(key, { body, signature: String(headers['x-postal-signature-256']) });
    expect(receiver.received.map(isOurs).toSorted()).toEqual([false, true]);
    expect(
      receiver.received.map(({ headers }) => headers['x-postal-signature-kid'] === key.kid).toSorted(),
    ).toEqual([false, true]);
  });
});

async function attemptsOf(running: TestPostal): Promise<Attempt[]> {
  const { attempts } = await running.control<{ attempts: Attempt[] }>('webhooks.json');
  return attempts;
}

function fingerprint({ body, headers }: Received): string {
  return [body.toString(), headers['x-postal-signature-256'], headers['x-postal-signature']].join('\n');
}
