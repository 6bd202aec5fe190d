import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { envText } from '../config/valid-sources.ts';
import { runInProcess } from '../fakes/terminal.ts';
import { setAllAside, submission } from '../services/relay/journal/fixture.ts';
import {
  figure,
  lastingFolder,
  listenAsApi,
  logIn,
  runRelay,
  submit,
} from '../services/relay/running-relay.ts';

const nobody = '127.0.0.1:1';

/** `mailctl trace` in a folder whose PostgreSQL is away. */
async function operator(variables: Readonly<Record<string, string>> = {}) {
  const folder = await lastingFolder();
  const values = {
    POSTGRES_HOST: '127.0.0.1',
    POSTGRES_PORT: '1',
    RELAY_HEALTH_LISTEN: nobody,
    ...variables,
  };
  writeFileSync(join(folder, '.env'), envText(values), { mode: 0o600 });
  return {
    print: (text: string) => runInProcess(['-C', folder, 'trace', text]),
    trace: async (text: string) => {
      const { exit, out } = await runInProcess(['-C', folder, 'trace', text, '--json']);
      return { exit, ...JSON.parse(out) };
    },
  };
}

/** A relay that has accepted a message which the api does not take. */
async function relayBehind(status: number) {
  const api = await listenAsApi();
  api.status = status;
  const { address, folder } = await runRelay({ API_INTERNAL_URL: api.url, RELAY_SHIP_REFUSED_DELAY: '10ms' });
  const client = await logIn(address('private'));
  const reply = await submit(
    client,
    'From: ann@example.com\r\nSubject: Hello\r\nMessage-ID: <one@example.com>\r\n\r\nHello\r\n',
  );
  client.socket.destroy();
  const { port } = address('health');
  return {
    id: /msg_\w+/.exec(reply)?.[0] ?? reply,
    journal: join(folder, 'journal'),
    listens: { RELAY_HEALTH_LISTEN: `127.0.0.1:${port}` },
    figure: (name: string) => figure(address('health'), `${name}{service="relay"}`),
  };
}

describe('mailctl trace while PostgreSQL is away', () => {
  it('says that a message which got its 250 may be stuck at the relay, with how many, since when, why and what frees it', async () => {
    const relay = await relayBehind(503);
    const { trace, print } = await operator(relay.listens);

    expect(await trace(relay.id)).toMatchObject({
      exit: 20,
      ok: false,
      data: {
        message: null,
        timeline: [],
        stuck: {
          hop: 'relay',
          why: expect.stringMatching(
            /: 1, the oldest for \d+s, because PostgreSQL at \S+ cannot be reached$/,
          ),
          command: 'mailctl config explain POSTGRES_HOST',
        },
      },
      error: { code: 'check-failed', field: 'message', message: expect.stringContaining(relay.id) },
    });
    const { out, err } = await print(relay.id);
    expect(out).toMatch(
      /^stuck at relay: accepted messages wait .*\n {2}mailctl config explain POSTGRES_HOST\n$/,
    );
    expect(err).toContain(`✘ ${relay.id} was not found`);
  });

  it('says that the api refuses the relay where that is so', async () => {
    const relay = await relayBehind(401);
    await expect.poll(() => relay.figure('mailctl_relay_refused'), { timeout: 10_000 }).toBe(1);
    const { trace } = await operator(relay.listens);

    expect((await trace('bob@example.org')).data.stuck).toMatchObject({
      why: expect.stringContaining('the api refuses the relay'),
      command: 'mailctl config explain API_INTERNAL_TOKEN',
    });
  });

  it('finds what was set aside by id, Message-ID or recipient, and says that it saw nothing else', async () => {
    const directory = join(await lastingFolder(), 'journal');
    const raw = Buffer.from('Message-ID: <one@acme.test>\r\nSubject: Hello\r\n\r\n');
    const envelope = { mailFrom: 'ams@example.com', rcptTo: ['Ann@example.org', 'bob@example.org'] };
    const refused = [1, 2, 3].map((number) => ({
      ...submission(number),
      ...(number > 1 && { raw, envelope }),
    }));
    await setAllAside(directory, refused, 'no such sender');
    const [, older, newest] = refused.map(({ id }) => id);
    const { trace } = await operator({ RELAY_JOURNAL_DIR: directory });

    for (const text of ['ann@example.org', '<one@acme.test>', 'one@acme.test'])
      expect(await trace(text)).toMatchObject({
        exit: 3,
        data: {
          message: { id: newest, state: 'refused', header_message_id: 'one@acme.test' },
          stuck: { command: `mailctl journal requeue ${newest}` },
          others: [{ id: older, state: 'refused' }],
        },
        warnings: [expect.stringMatching(/only what lies at the relay .*PostgreSQL/)],
      });
    expect((await trace('ann@example.org')).data.message.recipients).toMatchObject([
      { address: 'Ann@example.org' },
    ]);
    expect((await trace(older ?? '')).data).toMatchObject({ message: { id: older }, others: [] });
  });

  it('finds by id, Message-ID or recipient what waits in the journal of the relay, and says what frees it', async () => {
    const relay = await relayBehind(401);
    await expect.poll(() => relay.figure('mailctl_relay_refused'), { timeout: 10_000 }).toBe(1);
    const { trace, print } = await operator({ ...relay.listens, RELAY_JOURNAL_DIR: relay.journal });

    for (const text of [relay.id, '<one@example.com>', 'BOB@example.org'])
      expect(await trace(text)).toMatchObject({
        exit: 3,
        data: {
          message: { id: relay.id, state: 'waiting', subject: 'Hello', recipients: [{ state: 'waiting' }] },
          timeline: [{ hop: 'relay', event: 'received', detail: { mail_from: 'ann@example.com' } }],
          stuck: {
            hop: 'relay',
            why: expect.stringMatching(/: 1, the oldest for \d+s, because the api refuses the relay/),
            command: 'mailctl config explain API_INTERNAL_TOKEN',
          },
          others: [],
        },
        warnings: [expect.stringMatching(/only what lies at the relay .*PostgreSQL/)],
      });
    expect((await print(relay.id)).out).toMatch(new RegExp(`^${relay.id}  waiting\n`));
    expect(await trace('<two@example.com>')).toMatchObject({ exit: 20, data: { message: null } });
  });

  it('says no more than that it is away where nothing waits or the relay does not tell', async () => {
    const { trace } = await operator();

    expect(await trace('msg_nope')).toMatchObject({
      exit: 13,
      error: { code: 'unreachable', field: 'POSTGRES_HOST' },
    });
  });
});
