import { afterAll, beforeAll, expect, it } from 'vitest';

import { systemClock } from '../../../src/adapters/clock.ts';
import { fingerprintOf } from '../../../src/domain/fingerprint.ts';
import { hashPassword } from '../../../src/domain/password.ts';
import { kidOf } from '../../../src/domain/postal-webhook.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { insertKey } from '../../../src/store/keys.ts';
import { insertSmtpCredential, replacePassword } from '../../../src/store/smtp-credentials.ts';
import { until } from './until.ts';
import {
  type ApiUnderTest,
  countOf,
  internalToken,
  runningApi,
  signing,
  webhookToken,
} from './running-api.ts';
import { post, postalEvent, signed } from './signed-webhook.ts';

const end = new Date('2026-03-01T12:00:00Z');
const before = new Date(end.getTime() - 1);
const now = { of: before };

let api: ApiUnderTest;
beforeAll(async () => {
  api = await runningApi({ API_KEY_USE_INTERVAL: '20ms' }, { clock: { ...systemClock, now: () => now.of } });
});
afterAll(() => api[Symbol.asyncDispose]());

async function ask(path: string, body: object) {
  const response = await fetch(`${api.internal}/internal/v1/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${internalToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

it('an SMTP password is refused from its end on with a code of its own, and so is the one before', async () => {
  const [old, next] = ['the-first', 'the-second'];
  const was = await hashPassword(new Secret(old ?? ''), new Uint8Array(16));
  await insertSmtpCredential(api.db, { id: 'usr_1', username: 'ams', passwordHash: was, senderDomains: [] });
  const is = await hashPassword(new Secret(next ?? ''), new Uint8Array(16));
  await replacePassword(api.db, 'ams', { was, is, expiresAt: end });
  const login = async (password: string) => (await ask('smtp-auth', { username: 'ams', password })).body;

  expect(await login('the-second')).toMatchObject({
    outcome: 'accepted',
    credential: { endsAt: end.toISOString() },
  });
  now.of = end;
  expect(await login('the-second')).toEqual({ outcome: 'refused', code: 'key-expired' });
  expect(await login('the-first')).toMatchObject({ outcome: 'accepted' });
  expect(await login('another')).toEqual({ outcome: 'refused' });
  const third = await hashPassword(new Secret('the-third'), new Uint8Array(16));
  await replacePassword(api.db, 'ams', { was: is, is: third, expiresAt: undefined });
  expect(await login('the-second')).toEqual({ outcome: 'refused', code: 'key-expired' });
  expect(await login('the-third')).toMatchObject({ outcome: 'accepted' });
  expect(api.lines.join('')).toContain('"code":"key-expired","credential_id":"usr_1"');
});

it("the relay's token and Postal's path and key are refused from their end on with a code of their own", async () => {
  now.of = before;
  const ending = { state: 'active', expiresAt: end, reason: '', by: 'test' } as const;
  const token = { ...ending, kind: 'postal-webhook-token', name: 'token' } as const;
  await insertKey(api.db, {
    ...ending,
    id: 'key_1',
    kind: 'relay',
    name: 'relay',
    handle: fingerprintOf(new Secret(internalToken)),
  });
  await insertKey(api.db, { ...token, id: 'key_2', handle: fingerprintOf(new Secret(webhookToken)) });
  const held = { holder: 'relay a 1', held: {} };

  expect((await ask('held-secrets', held)).status).toBe(200);
  expect(await post(api, signed(postalEvent()))).toBe(200);
  now.of = end;
  await until(async () => (await ask('held-secrets', held)).status === 401);
  expect((await ask('held-secrets', held)).body).toMatchObject({ code: 'key-expired' });
  await until(async () => (await post(api, signed(postalEvent()))) === 401);
  expect(await countOf(api.db, 'postal_webhooks')).toBeGreaterThan(0);

  await api.db.change(`update keys set expires_at = null where id = 'key_2'`);
  await until(async () => (await post(api, signed(postalEvent()))) === 200);
  const handle = kidOf(signing.publicKey);
  await insertKey(api.db, { ...ending, id: 'key_3', kind: 'postal-signing', name: 'signing', handle });
  await until(async () => (await post(api, signed(postalEvent()))) === 401);
});
