import { buffer } from 'node:stream/consumers';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { mariadbAt } from '../../../src/adapters/mariadb.ts';
import { insertPostalWebhooks } from '../../../src/store/postal-webhooks.ts';
import { postalDatabases, type TestPostal } from '../../engines/postal-databases.ts';
import { until } from '../../store/until.ts';
import { listen, type Listener, openRig, type Rig } from './rig.ts';

let databases: TestPostal;
let receiver: Listener;
let rig: Rig;
/** While it is true the receiver answers 503 and keeps what it was sent. */
let isDown: boolean;
let unheard: Buffer[];

/** Postal's 36 minutes take half a second. */
const speed = 4000;

beforeEach(async () => {
  isDown = false;
  unheard = [];
  databases = await postalDatabases();
  receiver = await listen(async (request, response) => {
    const body = await buffer(request);
    if (isDown) unheard.push(body);
    else await store(body);
    response.writeHead(isDown ? 503 : 200).end();
  });
  rig = await openRig(
    { speed, webhook: { url: receiver.url }, tracking: { trackWithoutProxy: true } },
    databases,
  );
});
afterEach(async () => {
  await rig[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
  await databases[Symbol.asyncDispose]();
});

async function store(body: Buffer): Promise<void> {
  const { uuid, event } = JSON.parse(body.toString()) as { uuid: string; event: string };
  await insertPostalWebhooks(rig.db, [{ uuid, event, body, quarantined: undefined }]);
}

/** A worker that compares without end; what is older than Postal tries is missing. */
function work(after = '100ms') {
  const names = {
    POSTAL_DB_NAME: databases.names.main,
    POSTAL_DB_MESSAGE_PREFIX: databases.names.messagePrefix,
  };
  return rig.work(
    {
      ...names,
      POSTAL_RECONCILE_INTERVAL: '50ms',
      POSTAL_RECONCILE_AFTER: after,
      POSTAL_RECONCILE_BATCH: '3',
    },
    { postalDatabase: mariadbAt(databases.reader) },
  );
}

const to = [
  'ann@example.test',
  'bounce@example.test',
  'delayed@example.test',
  'hardfail@example.test',
  'held@example.test',
];
const outcome = ['delivered', 'bounced', 'delivered', 'failed', 'held'];

/** Hands a message over while no worker compares, and has its recipient open it twice. */
async function deliver(): Promise<string> {
  const worker = await rig.work();
  const id = await rig.submit({ to });
  await until(
    () => rig.recipients(id),
    (rows) => rows.length > 0 && rows.every(({ state }) => !['queued', 'sending'].includes(state)),
  );
  await until(
    () => rig.postal.rows(),
    (rows) => rows.filter(({ scope, status }) => scope === 'outgoing' && status !== 'Pending').length === 5,
  );
  await until(
    () => rig.postal.rows().find(({ rcpt_to: address }) => address === to[2])?.status,
    (status) => status === 'Sent',
  );
  const token = rig.postal.rows().find(({ rcpt_to: address }) => address === to[0])?.token;
  for (let open = 0; open < 2; open += 1)
    await fetch(`${rig.postal.url}/img/${rig.postal.serverToken}/${token}`);
  await rig.postal.idle();
  await worker.stop();
  return id;
}

/** Waits until Postal has given up whatever nobody took. */
async function givenUp(): Promise<void> {
  await until(
    () => databases.run('select count(*) as count from webhook_requests'),
    ([row]) => Number(row?.['count']) === 0,
  );
}

const states = async (id: string) => (await rig.recipients(id)).map(({ state }) => state);
const opens = async (id: string) => (await rig.recipients(id)).map((row) => row.opens);

async function told(): Promise<readonly { kind: string; derived: boolean; uuid: string }[]> {
  return rig.db.query(
    `select kind, derived_from is not null as derived, postal_uuid as uuid from events where postal_uuid is not null order by kind, at, id`,
  );
}

const everything = [
  'bounced',
  'delayed',
  'delivered',
  'delivered',
  'delivered',
  'failed',
  'held',
  'opened',
  'opened',
];

async function allIsKnown(id: string): Promise<void> {
  await until(
    () => told(),
    (rows) => rows.length >= everything.length,
  );
  expect((await told()).map(({ kind }) => kind)).toEqual(everything);
  expect(await states(id)).toEqual(outcome);
  expect(await opens(id)).toEqual([2, 0, 0, 0, 0]);
}

/** How far the worker has compared, which grows with each comparison. */
async function comparedAgain(): Promise<void> {
  const look = async () =>
    (
      await rig.db.query<{ at: Date | null }>('select compared_until as at from reconciliation')
    )[0]?.at?.getTime() ?? 0;
  const before = await look();
  await until(look, (now) => now > before);
}

describe('events that Postal gave up', () => {
  it('are stored under their own uuids after the receiver was away for longer than Postal tries', async () => {
    isDown = true;
    const id = await deliver();
    await givenUp();
    isDown = false;
    await work();

    await allIsKnown(id);
    const sent = unheard.map((body) => (JSON.parse(body.toString()) as { uuid: string }).uuid);
    const uuids = (await told()).map(({ uuid }) => uuid);
    expect(uuids.toSorted()).toEqual([...new Set(sent)].toSorted());

    await comparedAgain();
    for (const body of unheard) await store(body);
    await until(
      () => rig.db.query(`select from postal_webhooks where state = 'new'`),
      (rows) => rows.length === 0,
    );
    await allIsKnown(id);
  });

  it('are made from its rows when its history is gone, and give way to a genuine one that comes late', async () => {
    isDown = true;
    const id = await deliver();
    await givenUp();
    await databases.run(`delete from \`${databases.messages}\`.webhook_requests`);
    isDown = false;
    await work();

    await allIsKnown(id);
    expect((await told()).every(({ derived }) => derived)).toBe(true);
    const ids = await rig.db.query('select id from events order by id');

    for (const body of new Map(unheard.map((one) => [one.toString(), one])).values()) await store(body);
    await until(told, (rows) => rows.every(({ derived }) => !derived));
    await allIsKnown(id);
    await comparedAgain();
    await allIsKnown(id);
    expect(await rig.db.query('select id from events order by id')).toEqual(ids);
  });

  it('are told to AMS once, whoever tells of them', async () => {
    const heard: string[] = [];
    await using ams = await listen(async (request, response) => {
      heard.push((JSON.parse((await buffer(request)).toString()) as { type: string }).type);
      response.writeHead(204).end();
    });
    await rig.subscribe(ams.url, ['message.opened']);
    isDown = true;
    await deliver();
    await givenUp();
    await databases.run(`delete from \`${databases.messages}\`.webhook_requests`);
    await work();
    await until(
      () => heard,
      (types) => types.length === 2,
    );

    for (const body of unheard) await store(body);
    await until(told, (rows) => rows.every(({ derived }) => !derived));
    await comparedAgain();
    expect(heard).toEqual(['message.opened', 'message.opened']);
  });

  it('are waited for while Postal still tries, and what lies before them is not passed over', async () => {
    await rig[Symbol.asyncDispose]();
    rig = await openRig({ speed: 1, webhook: { url: receiver.url } }, databases);
    isDown = true;
    const worker = await rig.work();
    const id = await rig.submit({ to: ['ann@example.test'] });
    await until(
      () => unheard,
      (bodies) => bodies.length > 0,
    );
    await worker.stop();
    await work('1ms');
    await comparedAgainAtLeastOnce();
    expect(await told()).toEqual([]);

    await databases.run('delete from webhook_requests');
    await until(
      () => states(id),
      ([state]) => state === 'delivered',
    );
  });
});

async function comparedAgainAtLeastOnce(): Promise<void> {
  await until(
    () => rig.db.query<{ at: Date | null }>('select compared_until as at from reconciliation'),
    ([row]) => row?.at != null,
  );
}

describe('what no webhook of Postal tells', () => {
  async function accepted(): Promise<string> {
    rig.postal.order({ kind: 'delivery-withheld' });
    const worker = await rig.work();
    const id = await rig.submit({ to: ['ann@example.test'] });
    await until(
      () => states(id),
      ([state]) => state === 'accepted',
    );
    await rig.postal.idle();
    await worker.stop();
    return id;
  }

  it('is settled: a hold that ran out', async () => {
    const id = await accepted();
    await databases.run(
      `insert into \`${databases.messages}\`.deliveries (message_id, status, details, timestamp)
       select id, 'HoldCancelled', 'The hold on this message has been removed without action.', unix_timestamp(now(6)) from \`${databases.messages}\`.messages`,
    );
    await work('10m');
    await until(
      () => states(id),
      ([state]) => state === 'cancelled',
    );
    expect((await rig.recipients(id))[0]?.detail).toContain('hold on this message');
  });

  it('is settled: what Postal dropped from its queue, and it is not sent again by itself', async () => {
    const id = await accepted();
    await databases.run('delete from queued_messages');
    await work();
    await until(
      () => states(id),
      ([state]) => state === 'failed',
    );
    expect((await rig.recipients(id))[0]?.detail).toContain('dropped it from its queue');
    await comparedAgain();
    expect((await told()).length).toBe(1);
    expect(rig.postal.rows()).toHaveLength(1);
  });

  it('is left alone while it waits in the queue of Postal', async () => {
    const id = await accepted();
    await work();
    await comparedAgainAtLeastOnce();
    await comparedAgain();
    expect(await states(id)).toEqual(['accepted']);
  });
});
