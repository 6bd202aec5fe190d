import { afterAll, beforeAll, expect, it } from 'vitest';

import { dial } from '../../services/relay/smtp-client.ts';
import { until } from '../../store/until.ts';
import { type Ams, openAms } from './load.ts';
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

/** Submits a message in a session of its own; answers what the relay said from AUTH on. */
async function submit(to: string): Promise<readonly string[]> {
  const client = await dial({ host: '127.0.0.1', port: platform.ports.relay }, 'plain', patienceMs);
  await client.reply();
  await client.ask('EHLO ams.example.com');
  const login = Buffer.from(`\0ams\0${platform.access.password.reveal()}`).toString('base64');
  const octets = `From: ams@example.com\r\nTo: ${to}\r\nMessage-ID: <${to}>\r\nSubject: Hello\r\n\r\nHello\r\n.`;
  const replies: string[] = [];
  for (const line of [
    `AUTH PLAIN ${login}`,
    'MAIL FROM:<ams@example.com>',
    `RCPT TO:<${to}>`,
    'DATA',
    octets,
  ])
    replies.push((await client.ask(line)).slice(0, 3));
  client.socket.destroy();
  return replies;
}

const welcome = ['235', '250', '250', '354', '250'];
const stored = async () => (await platform.db.query('select 1 from messages')).length;

it('a relay that slept through a whole rotation of its token ships what it had taken and refuses nobody', async () => {
  expect(await submit('known@example.net')).toEqual(welcome);
  await until(stored, (count) => count === 1, patienceMs);
  platform.signal('api', 'SIGSTOP');
  for (const name of ['one', 'two', 'three']) expect(await submit(`${name}@example.net`)).toEqual(welcome);
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

  const replies = await Promise.all(['four', 'five'].map((name) => submit(`${name}@example.net`)));
  expect(replies).toEqual([welcome, welcome]);
  expect(await until(stored, (count) => count === 6, patienceMs)).toBe(6);
  const verdicts = await platform.figure('relay', 'mailctl_relay_shipped_records');
  expect(verdicts).toMatchObject({ 'mailctl_relay_shipped_records{kind="refused",service="relay"}': 0 });
}, 180_000);
