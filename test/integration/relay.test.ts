import { readFile } from 'node:fs/promises';
import type { TLSSocket } from 'node:tls';

import { describe, expect, it } from 'vitest';

import { freePort } from '../../src/adapters/free-port.ts';
import type { Listening } from '../../src/services/running.ts';
import { type Program, startProgram } from '../programs/program.ts';
import { temporaryDirectory } from '../services/relay/journal/fixture.ts';
import { annPlain, relayEnvironment, writeCertificate } from '../services/relay/running-door.ts';
import { dial, type SmtpClient } from '../services/relay/smtp-client.ts';
import { startWholeApi } from '../services/relay/whole-api.ts';

const transaction = 'MAIL FROM:<ann@example.com>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n';

async function startRelay(folder: string, apiUrl: string, variables: Readonly<Record<string, string>> = {}) {
  await writeCertificate(folder);
  const environment = { ...relayEnvironment(folder), API_INTERNAL_URL: apiUrl, ...variables };
  return startProgram('relay.ts', { environment });
}

function address(relay: Program, name: string): Listening {
  const { addresses } = relay.said as { addresses: Record<string, Listening> };
  return addresses[name] ?? { host: '', port: 0 };
}

async function logIn(to: Listening): Promise<SmtpClient> {
  const client = await dial(to);
  await client.reply();
  await client.ask('EHLO app.example.com');
  expect(await client.ask(`AUTH PLAIN ${annPlain}`)).toMatch(/^235 /);
  return client;
}

async function peakMegabytes({ pid }: Program): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

describe('the relay as a process', () => {
  it('finishes the message in flight on SIGTERM, sends the others away, and exits 0', async () => {
    await using folder = await temporaryDirectory();
    await using api = await startWholeApi();
    await using relay = await startRelay(folder.path, api.url);
    const sending = await logIn(address(relay, 'private'));
    const idle = await logIn(address(relay, 'private'));
    const asking = await dial(address(relay, 'private'));
    await asking.reply();
    await asking.ask('EHLO app.example.com');
    await asking.ask('AUTH LOGIN');
    for (const line of transaction.trim().split('\r\n')) await sending.ask(line);
    relay.kill('SIGTERM');

    expect(await idle.closed()).toMatch(/^421 4\.3\.2 /);
    expect(await asking.closed()).toMatch(/^421 4\.3\.2 /);
    for (const client of [idle, asking]) client.socket.destroy();
    sending.send('From: ann@example.com\r\n\r\nHello\r\n.\r\n');
    const said = await sending.closed();
    sending.socket.destroy();
    expect(said).toMatch(/^250 2\.0\.0 Ok: queued as msg_\w+\r\n421 4\.3\.2 /);
    expect(await relay.ended).toBe(0);
    expect([...api.stored.keys()]).toEqual([/msg_\w+/.exec(said)?.[0]]);
  });

  it('ends in time although a client never finishes its message', async () => {
    await using folder = await temporaryDirectory();
    await using api = await startWholeApi();
    await using relay = await startRelay(folder.path, api.url, { RELAY_SHUTDOWN_TIMEOUT: '300ms' });
    const sending = await logIn(address(relay, 'private'));
    sending.send(`${transaction}From: ann`);
    await sending.reply();
    relay.kill('SIGTERM');

    expect(await relay.ended).toBe(0);
    expect(api.stored.size).toBe(0);
  });

  it('serves a new certificate after SIGHUP', async () => {
    await using folder = await temporaryDirectory();
    await using api = await startWholeApi();
    await using relay = await startRelay(folder.path, api.url);
    const serial = async () => {
      const client = await dial(address(relay, 'tls'), 'tls');
      await client.reply();
      const { serialNumber } = (client.socket as TLSSocket).getPeerCertificate();
      client.socket.destroy();
      return serialNumber;
    };
    const before = await serial();
    await writeCertificate(folder.path, 'new');
    relay.kill('SIGHUP');

    await expect.poll(serial, { timeout: 10_000 }).not.toBe(before);
  });

  it('loses nothing it answered 250 to when it is killed, and what it did not is its to forget', async () => {
    await using folder = await temporaryDirectory();
    await using api = await startWholeApi();
    const answered: string[] = [];
    const port = await freePort();
    const variables = { RELAY_PRIVATE_LISTEN: `127.0.0.1:${port}` };
    for (let kills = 0; kills < 3; kills += 1) {
      await using relay = await startRelay(folder.path, api.url, variables);
      const enough = answered.length + 200;
      const to = { host: '127.0.0.1', port };
      await expect.poll(() => isListening(to), { timeout: 10_000 }).toBe(true);
      const clients = await Promise.all(Array.from({ length: 10 }, () => logIn(to)));
      const lanes = clients.map((client) => sendUntilEnd(client, answered));
      while (answered.length < enough) await new Promise((resolve) => setImmediate(resolve));
      relay.kill('SIGKILL');
      await Promise.all(lanes);
    }
    await using last = await startRelay(folder.path, api.url, variables);

    await expect.poll(() => answered.filter((id) => !api.stored.has(id)), { timeout: 20_000 }).toEqual([]);
    expect(new Set(answered).size).toBe(answered.length);
    expect(api.stored.size - answered.length).toBeLessThanOrEqual(30);
    last.kill('SIGTERM');
    expect(await last.ended).toBe(0);
  });

  it('stays small when many clients send large messages at once', async () => {
    await using folder = await temporaryDirectory();
    await using api = await startWholeApi();
    await using relay = await startRelay(folder.path, api.url);
    const before = await peakMegabytes(relay);
    const clients = await Promise.all(Array.from({ length: 60 }, () => logIn(address(relay, 'private'))));
    const chunk = Buffer.from('a line of a large message, which is not very long\r\n'.repeat(1_310));
    const replies = await Promise.all(clients.map((client) => sendLarge(client, chunk, 80)));

    expect(replies.filter((reply) => !/^250 2\.0\.0 /m.test(reply))).toEqual([]);
    const grown = (await peakMegabytes(relay)) - before;
    console.log(`60 clients with 5 MB each: ${before.toFixed(0)} MB before, ${grown.toFixed(0)} MB more`);
    expect(grown).toBeLessThan(180);
    await expect.poll(() => api.stored.size, { timeout: 20_000 }).toBe(60);
  });
});

async function isListening(to: Listening): Promise<boolean> {
  const client = await dial(to);
  const greeting = await client.reply().catch(() => '');
  client.socket.destroy();
  return greeting.startsWith('220 ');
}

/** Sends messages until the relay dies; an id is noted only when the 250 with it has come. */
async function sendUntilEnd(client: SmtpClient, answered: string[]): Promise<void> {
  const message = `${transaction}From: ann@example.com\r\n\r\nHello\r\n.\r\n`;
  for (;;) {
    client.send(message);
    for (let replies = 0; replies < 3; replies += 1) {
      if ((await client.reply().catch(() => undefined)) === undefined)
        return client.socket.destroy() && undefined;
    }
    const reply = await client.reply().catch(() => undefined);
    if (reply === undefined) return void client.socket.destroy();
    answered.push(/msg_\w+/.exec(reply)?.[0] ?? reply);
  }
}

async function sendLarge(client: SmtpClient, chunk: Buffer, chunks: number): Promise<string> {
  for (const line of transaction.trim().split('\r\n')) await client.ask(line);
  client.send('From: ann@example.com\r\n\r\n');
  for (let n = 0; n < chunks; n += 1) {
    if (!client.socket.write(chunk)) await new Promise((resolve) => client.socket.once('drain', resolve));
  }
  client.send('.\r\nQUIT\r\n');
  const said = await client.closed(30_000);
  client.socket.destroy();
  return said;
}
