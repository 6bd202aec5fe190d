import { afterAll, beforeAll, expect, it } from 'vitest';

import { openPostalOffice } from '../../../src/operations/postal/office.ts';
import { openRuntime } from '../../../src/runtime.ts';
import { goodSecret } from '../../config/valid-sources.ts';
import { privateRedis } from '../../engines/private-redis.ts';
import { standingClock } from '../../fakes/standing-clock.ts';
import { uid } from '../../integration/cli/rotating-platform.ts';
import { askSurely } from '../../postal-stand-in/http-client.ts';
import { until } from '../../store/until.ts';
import { mailctl } from './killed-mailctl.ts';
import { type WholePlatform, wholePlatform } from './whole-platform.ts';

let redis: Awaited<ReturnType<typeof privateRedis>>;
beforeAll(async () => {
  redis = await privateRedis('a-password-that-nobody-here-needs-to-know');
});
afterAll(() => redis[Symbol.asyncDispose]());

/** The longest of Postal's waits between two tries. */
const longestMs = 15 * 60_000;

/** Replaces the token, with the shortest overlap that can be asked for. */
async function replaceToken(on: WholePlatform): Promise<void> {
  const { data } = await mailctl(on, 'keys', 'rotate', '--kind', 'postal-webhook-token', '--overlap', '1ms');
  expect(data.keys).toMatchObject([{ state: 'replaced' }]);
}

/** What the timetable makes of it when the replacement is so long ago, and the old token that is believed then. */
async function so(on: WholePlatform, long: string) {
  await on.db.change(
    `update keys set retiring_at = now() - $1::interval, overlap_ends_at = now() - $1::interval + (overlap_ends_at - retiring_at)
     where state = 'retiring'`,
    [long],
  );
  const { data } = await mailctl(on, 'keys', 'rotate', '--continue');
  const [{ state, why }] = data.keys;
  return { state, why, believed: (await on.env()).get('POSTAL_WEBHOOK_TOKEN_ALSO')?.text };
}

/** Has Postal take a message, whose webhook finds nobody at its URL. */
async function raiseWebhook({ postal }: WholePlatform): Promise<void> {
  const mail = 'From: news@example.com\r\nTo: ann@example.net\r\nSubject: Hello\r\n\r\nHello\r\n';
  const headers = {
    host: 'postal.example.com',
    'content-type': 'application/json',
    'x-server-api-key': 'a'.repeat(24),
  };
  const message = {
    rcpt_to: ['ann@example.net'],
    mail_from: 'key@example.com',
    data: Buffer.from(mail).toString('base64'),
  };
  const body = JSON.stringify(message);
  const answer = await askSurely(postal.url, { method: 'POST', path: '/api/v1/send/raw', headers, body });
  expect(JSON.parse(answer.text).status).toBe('success');
}

it('the last path token is believed for a day, however short an overlap is asked for', async () => {
  await using on = await wholePlatform(redis.url);
  await replaceToken(on);

  expect(await so(on, '23 hours 59 minutes')).toEqual({
    state: 'waiting',
    why: 'its overlap is not over',
    believed: goodSecret,
  });
  expect(await so(on, '24 hours 1 minute')).toMatchObject({ state: 'retired', believed: '' });
});

it('the last path token is believed for longer while a webhook waits at Postal that was written for its URL', async () => {
  const clock = standingClock(new Date());
  await using on = await wholePlatform(redis.url, { POSTAL_API_FROM_POSTAL: 'http://127.0.0.1:9' }, clock);
  await using runtime = openRuntime({ dir: on.folder.path, environment: {}, uid });
  const office = await openPostalOffice(runtime);
  await office.setWebhookToken(goodSecret);
  await raiseWebhook(on);
  const waiting = () => office.queuedWebhooksTo(goodSecret);
  const letTimePass = async () => {
    clock.advance(longestMs);
    return waiting();
  };
  await until(letTimePass, (count) => count === 1);
  await replaceToken(on);

  expect(await so(on, '25 hours')).toEqual({
    state: 'waiting',
    why: 'it was used since it was replaced',
    believed: goodSecret,
  });
  await until(letTimePass, (count) => count === 0, 60_000);
  expect(await so(on, '25 hours')).toMatchObject({ state: 'retired', believed: '' });
});
