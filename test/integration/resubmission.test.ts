import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';

import { expect, it, onTestFinished } from 'vitest';

import { systemClock } from '../../src/adapters/clock.ts';
import { ownDirectory } from '../../src/adapters/directory-owner.ts';
import { systemDisk } from '../../src/adapters/disk.ts';
import { openHttp } from '../../src/adapters/http.ts';
import { silentLog } from '../../src/adapters/log.ts';
import { systemRandom } from '../../src/adapters/random.ts';
import { hashPassword } from '../../src/domain/password.ts';
import { Secret } from '../../src/domain/secret.ts';
import { startRelay } from '../../src/services/relay/start.ts';
import { insertSmtpCredential } from '../../src/store/smtp-credentials.ts';
import { wishReship } from '../../src/upkeep/reship-wish.ts';
import { temporaryDirectory } from '../services/relay/journal/fixture.ts';
import {
  ann,
  annPlain,
  relayConfig,
  relayEnvironment,
  writeCertificate,
} from '../services/relay/running-door.ts';
import { dial, type SmtpClient } from '../services/relay/smtp-client.ts';
import { type ApiUnderTest, call, countOf, runningApi } from './api/running-api.ts';

interface Relay {
  /** A client that has logged in. */
  connect(): Promise<SmtpClient>;
  stop(): Promise<void>;
}

/** An api on PostgreSQL that knows ann, and folders for relays before it; all of it ends with the test. */
async function openScene() {
  const { API_INTERNAL_TOKEN = '' } = relayEnvironment('');
  const api = await runningApi({ API_INTERNAL_TOKEN });
  onTestFinished(() => api[Symbol.asyncDispose]());
  const passwordHash = await hashPassword(new Secret(ann.password), systemRandom.bytes(16));
  await insertSmtpCredential(api.db, {
    id: 'usr_ann',
    username: ann.username,
    passwordHash,
    senderDomains: [],
  });
  const folder = async () => {
    const made = await temporaryDirectory();
    onTestFinished(() => made[Symbol.asyncDispose]());
    await writeCertificate(made.path);
    return made.path;
  };
  return { api, folder };
}

async function runRelay(folder: string, apiUrl: string): Promise<Relay> {
  const config = relayConfig(folder, {
    API_INTERNAL_URL: apiUrl,
    RELAY_JOURNAL_UPKEEP_INTERVAL: '50ms',
    RELAY_SHIP_OPEN_TIME: '50ms',
    RELAY_SHIP_OPEN_MAX: '100ms',
  });
  const http = openHttp({
    connections: 2,
    connectTimeoutMs: 2_000,
    mostAnswerBytes: 65_536,
    keepAlive: true,
  });
  const relay = await startRelay(config, {
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    disk: systemDisk,
    own: ownDirectory,
    http,
  });
  onTestFinished(async () => {
    await relay.stop();
    await http[Symbol.asyncDispose]();
  });
  return {
    stop: relay.stop,
    connect: async () => {
      const client = await dial(relay.addresses['private'] ?? { host: '', port: 0 });
      onTestFinished(() => void client.socket.destroy());
      await client.reply();
      await client.ask('EHLO app.example.com');
      expect(await client.ask(`AUTH PLAIN ${annPlain}`)).toMatch(/^235 /);
      return client;
    },
  };
}

/** A way to the api that can be cut. */
async function openGate(to: string) {
  const { hostname, port } = new URL(to);
  const sockets = new Set<Socket>();
  let isShut = false;
  const server = createServer((near) => {
    const far = connect({ host: hostname, port: Number(port) });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
    }
    if (isShut) near.destroy();
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => sockets.forEach((socket) => socket.destroy());
  onTestFinished(() => {
    cut();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    open: () => {
      isShut = false;
    },
    shut: () => {
      isShut = true;
      cut();
    },
  };
}

const letter = (fields: string, body = 'Hello') =>
  `From: ann@example.com\r\n${fields}\r\n\r\n${body}\r\n.\r\n`;
const named = letter('Message-ID: <order-7@example.com>');

/** Sends a message and gives the reply to its last octet. */
async function submit(client: SmtpClient, message: string, to = 'bob@example.org'): Promise<string> {
  await client.ask('MAIL FROM:<ann@example.com>');
  await client.ask(`RCPT TO:<${to}>`);
  await client.ask('DATA');
  client.send(message);
  return client.reply();
}

function idIn(reply: string): string {
  return /^250 2\.0\.0 Ok: queued as (msg_\w+)/.exec(reply)?.[1] ?? reply;
}

async function verdicts(api: ApiUnderTest): Promise<{ stored: number; alias: number }> {
  const text = await (await fetch(`${api.health}/metrics`)).text();
  const of = (verdict: string) =>
    Number(new RegExp(`_total\\{[^}]*verdict="${verdict}"[^}]*\\} (\\d+)`).exec(text)?.[1] ?? 0);
  return { stored: of('stored'), alias: of('alias') };
}

async function traced(api: ApiUnderTest, id: string) {
  const { body } = await call(api, 'GET', `/v1/messages/${id}`);
  return body;
}

it('a client that lost the 250 and sends again is told the first id by the same relay, and one message goes out', async () => {
  const { api, folder } = await openScene();
  const relay = await runRelay(await folder(), api.internal);
  const lost = await relay.connect();
  await lost.ask('MAIL FROM:<ann@example.com>');
  await lost.ask('RCPT TO:<bob@example.org>');
  await lost.ask('DATA');
  lost.send(named);
  await expect.poll(() => countOf(api.db, 'messages'), { timeout: 10_000 }).toBe(1);
  lost.socket.destroy();

  const second = idIn(await submit(await relay.connect(), named));

  expect(await traced(api, second)).toMatchObject({ id: second });
  expect(await countOf(api.db, 'messages')).toBe(1);
  expect(await verdicts(api)).toEqual({ stored: 1, alias: 0 });
});

it('one message goes out whichever relay is met, also after a restart, and every id leads to it', async () => {
  const { api, folder } = await openScene();
  const home = await folder();
  const before = await runRelay(home, api.internal);
  const first = idIn(await submit(await before.connect(), named));
  await expect.poll(() => countOf(api.db, 'messages'), { timeout: 10_000 }).toBe(1);
  await before.stop();
  const [restarted, other] = [
    await runRelay(home, api.internal),
    await runRelay(await folder(), api.internal),
  ];
  const ids = [
    idIn(await submit(await restarted.connect(), named)),
    idIn(await submit(await other.connect(), named)),
  ];

  await expect.poll(() => verdicts(api), { timeout: 10_000 }).toEqual({ stored: 1, alias: 2 });
  expect(new Set([first, ...ids]).size).toBe(3);
  for (const id of ids) expect(await traced(api, id)).toMatchObject({ id: first });
  expect(await countOf(api.db, 'messages')).toBe(1);
});

it('two relays that accepted it while the api was away store one message when it is back', async () => {
  const { api, folder } = await openScene();
  const gate = await openGate(api.internal);
  const relays = [await runRelay(await folder(), gate.url), await runRelay(await folder(), gate.url)];
  const clients = await Promise.all(relays.map((relay) => relay.connect()));
  gate.shut();
  const ids = (await Promise.all(clients.map((client) => submit(client, named)))).map(idIn);
  expect(await countOf(api.db, 'messages')).toBe(0);
  gate.open();

  await expect.poll(() => verdicts(api), { timeout: 10_000 }).toEqual({ stored: 1, alias: 1 });
  const [one, two] = await Promise.all(ids.map((id) => traced(api, id)));
  expect(one?.['id']).toBe(two?.['id']);
  expect(ids).toContain(one?.['id']);
});

it('what a restore lost of both records is stored as one message when the relays ship again', async () => {
  const { api, folder } = await openScene();
  const homes = [await folder(), await folder()];
  const relays = await Promise.all(homes.map((home) => runRelay(home, api.internal)));
  for (const relay of relays) await submit(await relay.connect(), named);
  await expect.poll(() => verdicts(api), { timeout: 10_000 }).toEqual({ stored: 1, alias: 1 });
  for (const table of ['messages', 'message_aliases', 'submission_names'])
    await api.db.change(`delete from ${table}`);

  const shipAgain = () =>
    Promise.all(homes.map((home) => wishReship(systemDisk, join(home, 'journal'), new Date(0))));
  await shipAgain();
  await expect.poll(() => verdicts(api), { timeout: 30_000 }).toEqual({ stored: 2, alias: 2 });
  expect(await countOf(api.db, 'messages')).toBe(1);
  expect(await countOf(api.db, 'message_aliases')).toBe(1);
  await shipAgain();
  await expect.poll(() => verdicts(api), { timeout: 30_000 }).toEqual({ stored: 3, alias: 3 });
  expect(await countOf(api.db, 'messages')).toBe(1);
});

it('mail without a name, to somebody else, or with other octets is never suppressed', async () => {
  const { api, folder } = await openScene();
  const relay = await runRelay(await folder(), api.internal);
  const client = await relay.connect();
  const nameless = letter('Subject: Hi');
  const sent = [
    await submit(client, nameless),
    await submit(client, nameless),
    await submit(client, named),
    await submit(client, named, 'cid@example.org'),
  ].map(idIn);
  await expect.poll(() => verdicts(api), { timeout: 10_000 }).toEqual({ stored: 4, alias: 0 });
  sent.push(idIn(await submit(client, letter('Message-ID: <order-7@example.com>', 'Other words'))));

  await expect.poll(() => verdicts(api), { timeout: 10_000 }).toEqual({ stored: 5, alias: 0 });
  expect(await countOf(api.db, 'messages')).toBe(5);
  const { events } = await traced(api, sent[4] ?? '');
  expect(events).toMatchObject([
    { detail: { warning: expect.stringMatching(/same name/), same_name_as: sent[3] } },
  ]);
  const warned = await Promise.all(sent.map(async (id) => JSON.stringify((await traced(api, id))['events'])));
  expect(warned.map((events) => /same name/.test(events))).toSatisfy(
    ([one, two, three, four]: readonly boolean[]) => !one && !two && three !== four,
  );
});

it('an idempotency key that stood for other octets is refused where the relay knows it, and warned of where the api does', async () => {
  const { api, folder } = await openScene();
  const relay = await runRelay(await folder(), api.internal);
  const key = 'X-Idempotency-Key: order-8';
  const first = idIn(await submit(await relay.connect(), letter(key)));
  expect(await submit(await relay.connect(), letter(key, 'Other words'))).toMatch(/^554 5\.7\.1 /);

  const other = await runRelay(await folder(), api.internal);
  await expect.poll(() => countOf(api.db, 'messages'), { timeout: 10_000 }).toBe(1);
  const second = idIn(await submit(await other.connect(), letter(key, 'Other words')));

  await expect.poll(() => countOf(api.db, 'messages'), { timeout: 10_000 }).toBe(2);
  expect((await traced(api, second))['events']).toMatchObject([{ detail: { same_name_as: first } }]);
});
