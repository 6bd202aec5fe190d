import { afterAll, beforeAll, expect, it } from 'vitest';

import { until } from '../../store/until.ts';
import { type Ams, openAms } from './load.ts';
import { submitTo, welcome } from './one-message.ts';
import { type RunningPlatform, runningPlatform } from './running-platform.ts';

const patienceMs = 60_000;

let ams: Ams;
let platform: RunningPlatform;
beforeAll(async () => {
  ams = await openAms();
  // It looks at its keys by itself long after this test: what it learns in time, it learns because it is refused.
  platform = await runningPlatform(ams.hook, { relay: { SECRETS_RELOAD_INTERVAL: '1h' } });
});
afterAll(async () => {
  await platform[Symbol.asyncDispose]();
  await ams[Symbol.asyncDispose]();
});

const stored = async () => (await platform.db.query('select 1 from messages')).length;

it('a relay that slept through a whole rotation of its token ships what it had taken and refuses nobody', async () => {
  expect(await submitTo(platform, 'known@example.net')).toEqual(welcome);
  await until(stored, (count) => count === 1, patienceMs);
  platform.signal('api', 'SIGSTOP');
  for (const name of ['one', 'two', 'three'])
    expect(await submitTo(platform, `${name}@example.net`)).toEqual(welcome);
  platform.signal('relay', 'SIGSTOP');
  platform.signal('api', 'SIGCONT');

  const rotated = await platform.mailctl('keys', 'rotate', 'relay', '--overlap', '1s');
  expect(rotated.data.keys).toMatchObject([{ state: 'replaced' }]);
  await until(
    async () => (await platform.mailctl('keys', 'rotate', '--continue')).data.keys,
    (keys: readonly { state: string }[]) => keys.every(({ state }) => state === 'retired'),
    patienceMs,
  );
  expect((await platform.env()).get('API_INTERNAL_TOKEN_ALSO')?.text).toBe('');
  platform.signal('relay', 'SIGCONT');

  const replies = await Promise.all(
    ['four', 'five'].map((name) => submitTo(platform, `${name}@example.net`)),
  );
  expect(replies).toEqual([welcome, welcome]);
  expect(await until(stored, (count) => count === 6, patienceMs)).toBe(6);
  const verdicts = await platform.figure('relay', 'mailctl_relay_shipped_records');
  expect(verdicts).toMatchObject({ 'mailctl_relay_shipped_records{kind="refused",service="relay"}': 0 });
}, 180_000);
