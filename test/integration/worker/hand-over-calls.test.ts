import { request as ask } from 'node:http';
import { buffer } from 'node:stream/consumers';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { until } from '../../store/until.ts';
import { addKey, call as askApi, runningApi } from '../api/running-api.ts';
import { folderFor, runJson } from '../cli/database-folder.ts';
import { listen, listenAsAms, type Listener, openRig, type Rig } from './rig.ts';

interface Call {
  readonly mail_from: string;
  readonly rcpt_to: readonly string[];
}

let rig: Rig;
let proxy: Listener;
let calls: Call[];
let inFlight: { now: number; most: number };
/** What a test puts between us and Postal: a status that it never sees, or a wait. */
let before: (call: Call) => Promise<number | undefined>;

beforeEach(async () => {
  calls = [];
  inFlight = { now: 0, most: 0 };
  before = () => Promise.resolve(undefined);
  rig = await openRig();
  proxy = await listen(async (incoming, outgoing) => {
    const octets = await buffer(incoming);
    const { url = '/', method = 'GET', headers } = incoming;
    const status = url.endsWith('/send/raw') ? await hold(JSON.parse(octets.toString()) as Call) : undefined;
    if (status !== undefined) return void outgoing.writeHead(status).end();
    const onward = ask(`${rig.postal.url}${url}`, { method, headers, setHost: false }, (answer) => {
      inFlight.now -= 1;
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    onward.end(octets);
  });
});
afterEach(async () => {
  await rig[Symbol.asyncDispose]();
  await proxy[Symbol.asyncDispose]();
});

async function hold(call: Call): Promise<number | undefined> {
  calls.push(call);
  inFlight.now += 1;
  inFlight.most = Math.max(inFlight.most, inFlight.now);
  const status = await before(call);
  if (status !== undefined) inFlight.now -= 1;
  return status;
}

const delivered = (id: string) =>
  until(
    () => rig.recipients(id),
    (rows) => rows.every(({ state }) => state === 'delivered'),
  );

it('one call carries as many recipients as it may, under our key, and a later one only those that still need it', async () => {
  const to = ['a', 'b', 'c', 'd', 'e'].map((name) => `${name}@example.test`);
  let refusals = 1;
  before = async ({ rcpt_to: rcptTo }) => {
    if (rcptTo[0] !== to[2] || refusals === 0) return undefined;
    refusals -= 1;
    return 429;
  };
  const id = await rig.submit({ to });
  await rig.work({
    POSTAL_URL: proxy.url,
    POSTAL_RECIPIENTS_PER_CALL: '2',
    DELIVERY_RETRY_BASE: '10ms',
  });
  await delivered(id);

  expect(calls.map(({ rcpt_to: rcptTo }) => rcptTo)).toEqual([
    to.slice(0, 2),
    to.slice(2, 4),
    to.slice(2, 4),
    to.slice(4),
  ]);
  const [row] = await rig.db.query<{ key: string }>('select postal_key as key from messages');
  expect(new Set(calls.map((call) => call.mail_from))).toEqual(new Set([`${row?.key}@mail.acme.test`]));
  expect(rig.postal.mailbox()).toHaveLength(5);
});

it('each attempt that Postal did not take stays in the timeline with its reason and time, and AMS is not told of it', async () => {
  const answers = [429, 400];
  before = () => Promise.resolve(answers.shift());
  await using ams = await listenAsAms();
  await using api = await runningApi({}, { db: rig.db });
  using folder = folderFor(rig);
  await rig.subscribe(ams.url);
  const id = await rig.submit();
  await rig.work({ POSTAL_URL: proxy.url, DELIVERY_RETRY_BASE: '10ms' });
  await delivered(id);
  await until(
    () => rig.db.query<{ state: string }>('select state from webhook_deliveries'),
    (rows) => rows.length === 2 && rows.every(({ state }) => state === 'delivered'),
  );

  const { data } = await runJson(folder, 'trace', id);
  const { key } = await addKey(rig.db, ['read']);
  const { body } = await askApi({ url: api.url, key }, 'GET', `/v1/messages/${id}`);

  const recipient = 'ann@example.test';
  const reasons = [expect.stringContaining('(429)'), expect.stringContaining('(400)'), undefined];
  const attempts = data.timeline.filter(({ hop }: { hop: string }) => hop === 'worker');
  expect(attempts).toMatchObject([
    { event: 'attempt_failed', recipient, detail: { reason: reasons[0] } },
    { event: 'attempt_failed', recipient, detail: { reason: reasons[1] } },
    { event: 'accepted', recipient },
  ]);
  const names = attempts.map(({ detail }: { detail: { attempt_id: string } }) => detail.attempt_id);
  expect(new Set(names).size).toBe(3);
  const times = attempts.map(({ at }: { at: string }) => at);
  expect(times).toEqual(times.toSorted());
  const events = body['events'] as readonly { readonly type: string; readonly at: string }[];
  expect(events.filter(({ type }) => ['attempt_failed', 'accepted'].includes(type))).toMatchObject(
    attempts.map(({ event, at, detail }: { event: string; at: string; detail: object }) => ({
      type: event,
      at,
      detail,
    })),
  );
  const told = ams.heard.map(({ body: text }) => JSON.parse(text).type as string);
  expect(told.toSorted()).toEqual(['message.accepted', 'message.delivered']);
});

it('Postal is given as many messages at once as it may have, and no more', async () => {
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  before = async () => {
    await gate;
    return undefined;
  };
  const ids = [];
  for (let number = 0; number < 12; number += 1) ids.push(await rig.submit());
  await rig.work({ POSTAL_URL: proxy.url, POSTAL_CONCURRENCY: '3' });

  await until(
    () => inFlight.now,
    (now) => now === 3,
  );
  const claimed = () =>
    rig.db.query<{ state: string }>(
      `select state from messages join recipients on id = message_id where lease_until is not null`,
    );
  const rows = await until(claimed, (leased) => leased.length === 12);
  expect(rows.filter(({ state }) => state === 'sending')).toHaveLength(3);
  open();
  for (const id of ids) await delivered(id);
  expect(inFlight.most).toBe(3);
  expect(calls).toHaveLength(12);
});
