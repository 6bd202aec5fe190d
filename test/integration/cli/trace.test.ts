import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { insertPostalWebhooks } from '../../../src/store/postal-webhooks.ts';
import { pauseSending, recordBlock } from '../../../src/store/sending.ts';
import { runInProcess } from '../../fakes/terminal.ts';
import { setAllAside, submission, temporaryDirectory } from '../../services/relay/journal/fixture.ts';
import {
  figure,
  lastingFolder,
  listenAsApi,
  logIn,
  runRelay,
  submit,
} from '../../services/relay/running-relay.ts';
import { until } from '../../store/until.ts';
import { listenAsAms, openRig, type Rig } from '../worker/rig.ts';
import { folderFor, runJson } from './database-folder.ts';

let rig: Rig;
let folder: ReturnType<typeof folderFor>;
beforeEach(async () => {
  rig = await openRig();
  folder = folderFor(rig, { RELAY_HEALTH_LISTEN: '127.0.0.1:1' });
});
afterEach(async () => {
  folder[Symbol.dispose]();
  await rig[Symbol.asyncDispose]();
});

const trace = (text: string) => runJson(folder, 'trace', text);
const reaches = (id: string, state: string) =>
  until(
    () => rig.recipients(id),
    (all) => all.every((one) => one.state === state),
  );
const delivered = (state: string) =>
  until(
    () => rig.db.query<{ state: string }>('select state from webhook_deliveries'),
    (all) => all.length > 0 && all.every((one) => one.state === state),
  );

/** The timeline as `hop event` lines. */
const lines = (data: { readonly timeline: readonly { readonly hop: string; readonly event: string }[] }) =>
  data.timeline.map(({ hop, event }) => `${hop} ${event}`);

describe('mailctl trace', () => {
  it('follows a delivered message from its client to the webhooks about it, each at its time', async () => {
    await using ams = await listenAsAms();
    await rig.subscribe(ams.url);
    await rig.work();
    const id = await rig.submit();
    await reaches(id, 'delivered');
    await delivered('delivered');

    const { data } = await trace(id);

    expect(lines(data)).toEqual(
      expect.arrayContaining([
        'http-api received',
        'api stored',
        'worker accepted',
        'postal delivered',
        'postal-webhook webhook received',
        'ams-webhook webhook sent',
      ]),
    );
    const times = data.timeline.map(({ at }: { at: string }) => at);
    expect(times).toEqual(times.toSorted());
    expect(data.timeline[0]).toMatchObject({
      event: 'received',
      detail: {
        address: '127.0.0.1',
        mail_from: 'news@acme.test',
        recipients: 1,
        size_bytes: expect.any(Number),
      },
    });
    expect(data.timeline.find(({ event }: { event: string }) => event === 'accepted').detail).toMatchObject({
      attempt_id: expect.stringMatching(/^att_/),
      postal_id: data.message.recipients[0].postal_id,
    });
    expect(data).toMatchObject({ message: { id, state: 'delivered' }, stuck: null, others: [] });
  });

  it.each([
    ['bounce', 'bounced', null],
    ['hardfail', 'failed', null],
    ['held', 'held', { hop: 'postal', why: expect.stringContaining('Postal holds it'), command: null }],
  ])('tells what became of mail to %s@', async (name, state, stuck) => {
    await rig.work();
    const id = await rig.submit({ to: [`${name}@example.test`] });
    await reaches(id, state);

    const { data } = await trace(id);

    expect(lines(data)).toContain(`postal ${state}`);
    expect(data).toMatchObject({ message: { state }, stuck });
  });

  it('says that Postal refused it for good, and that trying again frees it', async () => {
    await rig.work();
    const id = await rig.submit({ from: 'news@elsewhere.test' });
    await reaches(id, 'failed');

    expect((await trace(id)).data.stuck).toEqual({
      hop: 'postal',
      why: expect.stringContaining('not a verified domain'),
      command: `mailctl queue retry ${id}`,
    });
  });

  it('says that it waits because sending is paused, or blocked at Postal', async () => {
    const id = await rig.submit();
    await recordBlock(rig.db, { problem: 'suspended', reason: 'suspended in Postal' });
    expect((await trace(id)).data.stuck).toMatchObject({ hop: 'postal', command: null });

    await pauseSending(rig.db, { reason: 'listed' });
    expect((await trace(id)).data.stuck).toEqual({
      hop: 'worker',
      why: expect.stringContaining('listed'),
      command: 'mailctl queue resume',
    });
  });

  it('says who holds it, and the command it names lets it go', async () => {
    const id = await rig.submit();
    await runJson(folder, 'queue', 'hold', id, '--reason', 'ask first');

    const { stuck, timeline } = (await trace(id)).data;
    await runJson(folder, ...stuck.command.split(' ').slice(1));

    expect(stuck.why).toContain('ask first');
    expect(lines({ timeline })).toContain('worker held');
    expect((await trace(id)).data.stuck).toBeNull();
  });

  it('says that webhooks were given up, and the command it names sends them again', async () => {
    const answers = [500, 500];
    await using ams = await listenAsAms(() => answers.pop() ?? 204);
    await rig.subscribe(ams.url, ['message.delivered']);
    await rig.work({ WEBHOOK_RETRY_SCHEDULE: '20ms', WEBHOOK_BREAKER_FAILURES: '100' });
    const id = await rig.submit();
    await delivered('dead');

    const { stuck } = (await trace(id)).data;
    await runJson(folder, ...stuck.command.split(' ').slice(1));
    await delivered('delivered');

    expect(stuck).toMatchObject({ hop: 'ams-webhook', why: expect.stringContaining('answered 500') });
    expect((await trace(id)).data).toMatchObject({ stuck: null });
  });

  it("shows webhooks of Postal's that changed nothing yet", async () => {
    const id = await rig.submit();
    const [row] = await rig.db.query<{ postal_key: string }>('select postal_key from messages');
    const body = (key?: string) =>
      Buffer.from(JSON.stringify({ payload: { from: `${key}@mail.acme.test` } }));
    await insertPostalWebhooks(rig.db, [
      {
        uuid: '00000000-0000-4000-8000-000000000001',
        event: 'MessageSent',
        body: body(row?.postal_key),
        quarantined: 'odd',
      },
      {
        uuid: '00000000-0000-4000-8000-000000000002',
        event: 'MessageSent',
        body: body('other'),
        quarantined: 'odd',
      },
    ]);

    const { timeline } = (await trace(id)).data;

    expect(timeline.filter(({ event }: { event: string }) => event === 'webhook set aside')).toMatchObject([
      { detail: { uuid: '00000000-0000-4000-8000-000000000001', reason: 'odd' } },
    ]);
  });

  it('finds by Message-ID and by address: the newest, for this recipient alone, and lists the others', async () => {
    const old = await rig.submit({ receivedAt: new Date(Date.now() - 60_000) });
    const id = await rig.submit({ to: ['bob@example.test', 'ann@example.test'] });
    await runJson(folder, 'queue', 'hold', '--all', '--reason', 'wait');

    const byAddress = (await trace('Ann@Example.test')).data;
    const byMessageId = (await trace('<m@acme.test>')).data;

    expect(byAddress).toMatchObject({
      message: { id, recipients: [{ address: 'ann@example.test' }] },
      others: [{ id: old, state: 'held' }],
    });
    expect(lines(byAddress).filter((line) => line === 'worker held')).toHaveLength(1);
    expect(byMessageId).toMatchObject({ message: { id }, others: [{ id: old }] });
    expect(byMessageId.message.recipients).toHaveLength(2);
  });

  it('finds by the id of a message that was sent again', async () => {
    const id = await rig.submit();
    await rig.db.change('insert into message_aliases (alias, message_id) values ($1, $2)', ['msg_again', id]);

    expect((await trace('msg_again')).data.message).toMatchObject({ id, aliases: ['msg_again'] });
    expect((await runInProcess(['-C', folder.path, 'trace', id])).out).toContain('\n  again as msg_again\n');
  });

  it('finds what the api refused in the journal of the relay, and says what becomes of it', async () => {
    await using journal = await temporaryDirectory();
    using beside = folderFor(rig, {
      RELAY_JOURNAL_DIR: journal.path,
      RELAY_HEALTH_LISTEN: '127.0.0.1:1',
    });
    const refused = submission(7);
    await setAllAside(journal.path, [refused], 'no such sender');
    const asked = async () => (await runJson(beside, 'trace', refused.id)).data;

    const { message, timeline, stuck } = await asked();
    await runJson(beside, ...stuck.command.split(' ').slice(1));

    expect(message).toMatchObject({ id: refused.id, state: 'refused', subject: '7' });
    expect(lines({ timeline })).toEqual(['relay received', 'api refused']);
    expect(stuck).toMatchObject({ hop: 'api', why: expect.stringContaining('no such sender') });
    expect((await asked()).stuck).toMatchObject({ hop: 'relay', command: null });
    expect(await runJson(beside, 'trace', submission(8).id)).toMatchObject({ exit: 2 });
  });

  it('shows the newest of what is stored and what the relay set aside for an address, and lists the others', async () => {
    const directory = join(await lastingFolder(), 'journal');
    using beside = folderFor(rig, { RELAY_JOURNAL_DIR: directory });
    const refused = submission(7);
    await setAllAside(directory, [refused], 'no such sender');
    const to = ['r7@example.org'];
    const id = await rig.submit({ to, receivedAt: new Date(refused.receivedAt.getTime() - 60_000) });
    const asked = async () => (await runJson(beside, 'trace', 'r7@example.org')).data;

    expect(await asked()).toMatchObject({
      message: { id: refused.id, state: 'refused' },
      others: [{ id, state: 'queued' }],
    });
    const later = await rig.submit({ to, receivedAt: new Date(refused.receivedAt.getTime() + 60_000) });
    expect(await asked()).toMatchObject({ message: { id: later }, others: [{ id: refused.id }, { id }] });
  });

  it('says that what it does not find may be stuck at a relay that the api refuses', async () => {
    const api = await listenAsApi();
    api.status = 401;
    const { address } = await runRelay({ API_INTERNAL_URL: api.url });
    const client = await logIn(address('private'));
    await submit(client, 'From: ann@example.com\r\n\r\nHello\r\n');
    client.socket.destroy();
    await until(
      () => figure(address('health'), 'mailctl_relay_refused{service="relay"}'),
      (refused) => refused === 1,
    );
    using beside = folderFor(rig, { RELAY_HEALTH_LISTEN: `127.0.0.1:${address('health').port}` });

    expect(await runJson(beside, 'trace', 'bob@example.org')).toMatchObject({
      exit: 20,
      data: {
        message: null,
        stuck: {
          hop: 'relay',
          why: expect.stringMatching(/: 1, the oldest for \d+s, because the api refuses the relay/),
          command: 'mailctl config explain API_INTERNAL_TOKEN',
        },
      },
    });
  });

  it.each(['msg_nope', 'nobody@example.test', '<none@acme.test>'])(
    'finds no %s, and says what to write',
    async (text) => {
      await rig.submit();

      expect(await trace(text)).toMatchObject({
        exit: 2,
        error: { code: 'usage', field: 'message', hint: expect.stringContaining('msg_') },
      });
    },
  );

  it('prints it for a person, a line an event, and the command last', async () => {
    const id = await rig.submit();
    await pauseSending(rig.db, { reason: 'listed' });

    const { out } = await runInProcess(['-C', folder.path, 'trace', id]);

    expect(out).toMatch(new RegExp(`^${id}  queued\n`));
    expect(out).toContain('\n  queued     ann@example.test\n');
    expect(out).toMatch(
      /\n\S+Z {2}http-api {8}received {10}name=test {2}address=127.0.0.1 .*size_bytes=\d+\n/,
    );
    expect(out).toMatch(/\nstuck at worker: sending is paused .*listed\n {2}mailctl queue resume\n$/);
  });
});
