import { readFileSync } from 'node:fs';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { insertPostalWebhooks } from '../../../src/store/postal-webhooks.ts';
import { listQuarantine, retryQuarantined } from '../../../src/store/quarantine.ts';
import { until } from '../../store/until.ts';
import { listenAsAms, openRig, type Rig } from './rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await openRig();
});
afterEach(async () => {
  await rig[Symbol.asyncDispose]();
});

interface Report {
  readonly name: string;
  readonly uuid: string;
  readonly from: string;
  readonly to?: string;
  readonly at?: number;
}

/** Stores a recorded webhook as if it had come for one of our messages. */
async function report({ name, uuid, from, to, at }: Report): Promise<void> {
  const folder = new URL('../../contracts/fixtures/postal/webhooks/', import.meta.url);
  const json = JSON.parse(readFileSync(new URL(`${name}/body.json`, folder), 'utf8'));
  const message = json.payload.original_message ?? json.payload.message;
  if (message) Object.assign(message, { from, to: to ?? 'ann@example.test' });
  if (at !== undefined) json.payload.timestamp = at;
  json.uuid = uuid;
  const body = Buffer.from(JSON.stringify(json));
  await insertPostalWebhooks(rig.db, [{ uuid, event: json.event, body, quarantined: undefined }]);
}

const uuid = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;

async function keyOf(id: string): Promise<string> {
  const [row] = await rig.db.query<{ postal_key: string }>('select postal_key from messages where id = $1', [
    id,
  ]);
  return `${row?.postal_key}@mail.acme.test`;
}

const noneNew = () =>
  until(
    () => rig.db.query(`select uuid from postal_webhooks where state = 'new'`),
    (rows) => rows.length === 0,
  );

describe("Postal's events", () => {
  it('give the right state in any order and however often they arrive', async () => {
    const id = await rig.submit();
    const from = await keyOf(id);
    await report({ name: 'MessageSent-1', uuid: uuid(1), from, at: 1_795_421_300 });
    await rig.work({ POSTAL_URL: 'http://127.0.0.1:1' });
    await noneNew();
    await report({ name: 'MessageDelayed-1', uuid: uuid(2), from, at: 1_795_421_100 });
    await report({ name: 'MessageHeld-1', uuid: uuid(3), from, at: 1_795_421_200 });
    for (const number of [4, 5]) await report({ name: 'MessageLoaded-1', uuid: uuid(number), from });
    await report({ name: 'MessageLinkClicked-1', uuid: uuid(6), from });
    await noneNew();
    await rig.db.change(`update postal_webhooks set state = 'new'`);
    await noneNew();

    expect(await rig.recipients(id)).toMatchObject([
      { state: 'delivered', opens: 2, clicks: 1, detail: '250 queued as 1' },
    ]);
    expect(await rig.events(id)).toHaveLength(7);
  });

  it('tell of a bounce after the delivery', async () => {
    const id = await rig.submit();
    const from = await keyOf(id);
    await report({ name: 'MessageBounced-1', uuid: uuid(1), from });
    await report({ name: 'MessageSent-1', uuid: uuid(2), from });
    await rig.work({ POSTAL_URL: 'http://127.0.0.1:1' });
    await noneNew();

    expect(await rig.recipients(id)).toMatchObject([{ state: 'bounced' }]);
  });

  it('join to the exact recipient, and where Postal changed the address to its name for the copy', async () => {
    const id = await rig.submit({ to: ['jose@example.test', 'josé@example.test', 'Jose@example.test'] });
    const from = await keyOf(id);
    await rig.db.change(
      `update recipients set postal_id = 1, postal_token = 'YEqjhlNhBJUcFISy', state = 'accepted' where position = 2`,
    );
    await rig.db.change('update messages set next_attempt_at = null');
    await report({ name: 'MessageSent-2', uuid: uuid(1), from, to: 'josé@example.test' });
    await report({ name: 'MessageDelayed-1', uuid: uuid(2), from, to: 'JOSE@example.test' });
    await rig.work();
    await noneNew();

    expect((await rig.recipients(id)).map(({ state }) => state)).toEqual(['queued', 'delivered', 'delayed']);
  });

  it('of mail that came in, and of the platform, count nowhere', async () => {
    const id = await rig.submit();
    const from = await keyOf(id);
    await rig.db.change('update messages set next_attempt_at = null');
    await report({ name: 'MessageSent-incoming', uuid: uuid(1), from });
    await report({ name: 'DomainDNSError-1', uuid: uuid(2), from });
    await rig.work();
    await noneNew();

    expect(await rig.recipients(id)).toMatchObject([{ state: 'queued' }]);
    expect(await listQuarantine(rig.db, { limit: 10 })).toEqual([]);
  });
});

describe('a webhook that belongs nowhere', () => {
  it('is quarantined with a reason, while the others go on, and can be tried again', async () => {
    const id = await rig.submit();
    const from = await keyOf(id);
    await rig.db.change('update messages set next_attempt_at = null');
    await report({ name: 'MessageSent-1', uuid: uuid(1), from: 'stranger@mail.acme.test' });
    await report({ name: 'MessageSent-1', uuid: uuid(2), from, at: 4_000_000_000 });
    await report({ name: 'MessageSent-1', uuid: uuid(3), from, to: 'nobody@example.test' });
    await report({ name: 'MessageSent-1', uuid: uuid(4), from });
    await rig.work();
    await noneNew();

    expect(await listQuarantine(rig.db, { limit: 10 })).toMatchObject([
      { id: uuid(1), reason: expect.stringContaining('no message of ours') },
      { id: uuid(2), reason: expect.stringContaining('future') },
      { id: uuid(3), reason: expect.stringContaining('no message of ours') },
    ]);
    expect(await rig.recipients(id)).toMatchObject([{ state: 'delivered' }]);

    await rig.db.change(
      `update recipients set address = 'nobody@example.test', state = 'accepted' where message_id = $1`,
      [id],
    );
    expect(await retryQuarantined(rig.db, [uuid(3)])).toBe(1);
    await until(
      () => rig.recipients(id),
      ([row]) => row?.state === 'delivered',
    );
  });

  it('that the database cannot take is set aside alone, at once', async () => {
    const id = await rig.submit();
    const from = await keyOf(id);
    await rig.db.change('update messages set next_attempt_at = null');
    await rig.db.query(`create function refuse() returns trigger language plpgsql as $$
      begin
        if new.kind = 'held' then raise exception 'no' using errcode = '22P05'; end if;
        return new;
      end $$`);
    await rig.db.query(
      'create trigger refuse before insert on events for each row execute function refuse()',
    );
    await report({ name: 'MessageHeld-1', uuid: uuid(1), from });
    await report({ name: 'MessageSent-1', uuid: uuid(2), from });
    await report({ name: 'MessageLoaded-1', uuid: uuid(3), from });
    await rig.work({ WORKER_POLL_INTERVAL: '1h' });
    await noneNew();

    expect(await listQuarantine(rig.db, { limit: 10 })).toMatchObject([
      { id: uuid(1), reason: expect.stringContaining('cannot be worked out') },
    ]);
    expect(await rig.recipients(id)).toMatchObject([{ state: 'delivered', opens: 1 }]);
  });
});

describe('events that AMS hears of', () => {
  it('are those an endpoint asked for, each once', async () => {
    await using some = await listenAsAms();
    await using every = await listenAsAms();
    await rig.subscribe(some.url, ['message.delivered', 'message.opened']);
    await rig.subscribe(every.url);
    const id = await rig.submit();
    const from = await keyOf(id);
    await rig.db.change('update messages set next_attempt_at = null');
    await report({ name: 'MessageDelayed-1', uuid: uuid(1), from });
    await report({ name: 'MessageSent-1', uuid: uuid(2), from });
    await rig.work();
    await noneNew();
    await rig.db.change(`update postal_webhooks set state = 'new'`);
    await noneNew();
    await until(
      () => rig.db.query(`select id from webhook_deliveries where state <> 'delivered'`),
      (rows) => rows.length === 0,
    );

    expect(some.heard).toHaveLength(1);
    expect(every.heard).toHaveLength(2);
    expect(new Set(every.heard.map(({ headers }) => headers['webhook-id'])).size).toBe(2);
  });
});
