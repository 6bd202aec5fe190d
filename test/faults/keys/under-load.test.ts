import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { type KeyKind, keyKindNames } from '../../../src/domain/key.ts';
import { fingerprintOf } from '../../../src/domain/fingerprint.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { openRuntime } from '../../../src/runtime.ts';
import { createApiKey } from '../../../src/upkeep/access.ts';
import { mariadbAt } from '../../../src/adapters/mariadb.ts';
import { systemClock } from '../../../src/adapters/clock.ts';
import { systemRandom } from '../../../src/adapters/random.ts';
import { logsIn, redisPassword, uid } from '../../integration/cli/rotating-platform.ts';
import { post, postalEvent, signed } from '../../integration/api/signed-webhook.ts';
import { askSurely } from '../../postal-stand-in/http-client.ts';
import { dial } from '../../services/relay/smtp-client.ts';
import { until } from '../../store/until.ts';
import { type Access, type Ams, openAms } from './load.ts';
import { type RunningPlatform, runningPlatform } from './running-platform.ts';
import { standingOf } from './untold.ts';

const patienceMs = 60_000;
/** More would only queue up on a slow machine, and every key would wait for the queue before it. */
const mostUntold = 100;

let ams: Ams;
let platform: RunningPlatform;
beforeAll(async () => {
  ams = await openAms(mostUntold);
  platform = await runningPlatform(ams.hook);
});
afterAll(async () => {
  await platform[Symbol.asyncDispose]();
  await ams[Symbol.asyncDispose]();
});

/** What AMS is given anew when a key of this kind is replaced. */
const handedOn: Partial<Record<KeyKind, keyof Access>> = {
  api: 'key',
  smtp: 'password',
  'webhook-secret': 'webhook',
};

async function more(from: Ams, messages = 15): Promise<void> {
  const enough = from.taken.size + messages;
  await until(
    () => from.taken.size + from.refused.length,
    (count) => count >= enough,
    patienceMs,
  );
}

function beginSending(from: Ams, access: Access) {
  const stop = new AbortController();
  const doors = { smtp: platform.ports.relay, http: platform.ports.api };
  const sending = from.send(access, doors, stop.signal);
  return async () => {
    stop.abort();
    await sending;
  };
}

/** Every kind once, with the words that name its key; backups are sealed to two. */
function rotations(): readonly (readonly [KeyKind, readonly string[]])[] {
  const escrow = ['backup-escrow', '--recipient', platform.age.nextEscrow.recipient];
  const named: Partial<Record<KeyKind, readonly (readonly string[])[]>> = {
    api: [['shop']],
    'backup-recipient': [['backup-verify'], escrow],
  };
  return keyKindNames.flatMap((kind) =>
    (named[kind] ?? [['--kind', kind]]).map((words) => [kind, words] as const),
  );
}

/** Rotates until the new key is used: what waits for the DNS is published in between. */
async function replace(kind: KeyKind, meant: readonly string[]) {
  const words = ['keys', 'rotate', ...meant, '--overlap', '1s'];
  let { exit, data } = await platform.mailctl(...words);
  if (data?.keys?.[0]?.state === 'waiting') {
    await platform.publishSigning();
    ({ exit, data } = await platform.mailctl(...words));
  }
  expect([kind, exit, data?.keys?.[0]?.state]).toEqual([kind, 0, 'replaced']);
  return data;
}

/** Runs what the timetable runs until nothing is under way. */
async function goOn(): Promise<void> {
  await until(
    async () => (await platform.mailctl('keys', 'rotate', '--continue')).data.keys,
    (keys: readonly { state: string }[]) => keys.every(({ state }) => state === 'retired'),
    patienceMs,
  );
}

/** What Postal's own database says of messages and webhooks. */
async function postalCounts() {
  const { postalStores } = platform;
  const table = (name: string) => `\`${postalStores.messages}\`.${name}`;
  const [messages] = await postalStores.run(
    `select count(*) as stored, count(distinct rcpt_to) as different from ${table('messages')} where scope = 'outgoing'`,
  );
  const [webhooks] = await postalStores.run(
    `select count(*) as tried, count(if(status_code between 200 and 299, null, 1)) as refused from ${table('webhook_requests')}`,
  );
  const [queued] = await postalStores.run('select count(*) as waiting from webhook_requests');
  return { ...messages, ...webhooks, ...queued };
}

/** Requests between our own services that were not answered as they should be. */
async function refusedInside(): Promise<number> {
  const requests = await platform.figure('api', 'mailctl_http_requests_total');
  const inside = Object.entries(requests).filter(([line]) => line.includes('listener="internal"'));
  const webhooks = await platform.figure('api', 'mailctl_webhook_in_total');
  const unwelcome = Object.entries(webhooks).filter(([line]) => !/result="(accepted|replayed)"/.test(line));
  const bad = [...inside.filter(([line]) => !line.includes('status="200"')), ...unwelcome];
  return bad.reduce((sum, [, count]) => sum + count, 0);
}

/** Waits for AMS to hear of every message once. */
async function untilAllTold(): Promise<void> {
  const told = () => [...ams.taken].filter((to) => ams.delivered.get(to)?.size === 1).length;
  await until(told, (count) => count === ams.taken.size, patienceMs);
}

/** Does `work`; where it fails, what stands between Postal and AMS is told with it. */
async function explained(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${why}\n${await standingOf(platform, ams)}`, { cause });
  }
}

it('rotates every kind once under load: no request is refused, no message lost or doubled, and the old secrets are dead', async () => {
  const { access } = platform;
  const before = await platform.env();
  const old: Old = { ...access, text: (name) => before.get(name)?.text ?? '' };
  const finish = beginSending(ams, access);
  await explained(async () => {
    await more(ams);
    for (const [kind, meant] of rotations()) {
      const { secret } = await replace(kind, meant);
      await more(ams);
      const part = handedOn[kind];
      if (part) access[part] = new Secret(secret);
    }
    await goOn();
    await more(ams, 30);
    await finish();
    await untilAllTold();
  });
  const counts = await postalCounts();
  const inside = await refusedInside();
  console.table({
    taken: ams.taken.size,
    'refused at AMS': ams.refused.length,
    'refused inside': inside,
    ...counts,
  });
  expect(ams.refused).toEqual([]);
  expect(inside).toBe(0);
  expect(counts).toMatchObject({ stored: ams.taken.size, different: ams.taken.size, refused: 0 });
  await expectDead(old);
}, 900_000);

/** What AMS and `.env` held before. */
interface Old extends Access {
  text(name: string): string;
}

async function expectDead(old: Old): Promise<void> {
  const { ports } = platform;
  const post = async (port: number, path: string, token: string) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    return (await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', headers, body: '{}' })).status;
  };
  expect(await post(ports.api, '/v1/messages', old.key.reveal())).toBe(401);
  expect(await post(ports.internal, '/internal/v1/smtp-auth', old.text('API_INTERNAL_TOKEN'))).toBe(401);
  expect(await smtpReply(old.password)).toMatch(/^535/);
  expect(
    await platform.db.query('select 1 from webhook_endpoints where sealed_previous_secret is not null'),
  ).toEqual([]);
  expect(await logsIn(platform.address)).toBe(false);
  await expectDeadAtPostal(old);
  await expectSealedToNew();
  await using runtime = openRuntime({ dir: platform.folder.path, environment: {}, uid });
  expect(await (await runtime.redis())?.renew(new Secret(redisPassword))).toBe(false);
  const { REDIS_PASSWORD: next } = await runtime.config('operator');
  const holders = await platform.db.query<{ room: string; fingerprint: string }>(
    `select split_part(holder, ' ', 1) as room, fingerprint from secret_holders where variable = 'REDIS_PASSWORD' order by 1`,
  );
  const fingerprint = next && fingerprintOf(next);
  expect(holders).toEqual(['api', 'relay'].map((room) => ({ room, fingerprint })));
}

async function expectSealedToNew(): Promise<void> {
  const { folder, age } = platform;
  const read = (name: string) => readFile(join(folder.path, 'secrets', name), 'utf8');
  expect(await read('backup-verify.key')).not.toContain(age.verify.identity.reveal());
  expect(await read('backup-escrow.pub')).toBe(`${age.nextEscrow.recipient}\n`);
}

async function expectDeadAtPostal(old: Old): Promise<void> {
  const { ports, postalStores, signing } = platform;
  const headers = { 'x-server-api-key': old.text('POSTAL_API_KEY'), host: 'postal.example.com' };
  const path = '/api/v1/messages/message';
  const answer = await askSurely(`http://127.0.0.1:${ports.postal}`, { method: 'POST', path, headers });
  expect(answer.text).toContain('InvalidServerAPIKey');
  const key = {
    privateKey: createPrivateKey(signing.reveal()),
    publicKey: createPublicKey(signing.reveal()),
  };
  const api = { url: `http://127.0.0.1:${ports.api}` };
  const token = (await platform.env()).get('POSTAL_WEBHOOK_TOKEN')?.text;
  expect(await post(api, signed(postalEvent(), key), old.text('POSTAL_WEBHOOK_TOKEN'))).toBe(404);
  expect(await post(api, signed(postalEvent(), key), token)).toBe(403);
  const { administrator, postal, backup } = platform.logins;
  for (const login of [postalStores.reader, administrator, postal, backup]) {
    const asking = mariadbAt(login).session((session) => session.query('select 1 as one'));
    await expect(asking).rejects.toMatchObject({ code: 'access-denied' });
  }
}

async function smtpReply(password: Secret): Promise<string> {
  const client = await dial({ host: '127.0.0.1', port: platform.ports.relay });
  await client.reply();
  await client.ask('EHLO ams.example.com');
  const reply = await client.ask(
    `AUTH PLAIN ${Buffer.from(`\0ams\0${password.reveal()}`).toString('base64')}`,
  );
  client.socket.destroy();
  return reply;
}

it('counts what is refused when the overlap is cut short', async () => {
  await using hasty = await openAms();
  const world = { db: platform.db, clock: systemClock, random: systemRandom };
  const key = await createApiKey(world, { name: 'hasty', scopes: ['send'], expiresAt: undefined });
  const finish = beginSending(hasty, { ...platform.access, key });
  await more(hasty);

  await platform.mailctl('keys', 'rotate', 'hasty', '--overlap', '1h');
  await platform.mailctl('keys', 'rotate', '--continue', '--force', '--yes');
  await more(hasty, 30);
  await finish();

  expect(hasty.refused).not.toEqual([]);
  expect(hasty.refused.every((answer) => answer.startsWith('HTTP 401'))).toBe(true);
}, 600_000);
