import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { expect, it } from 'vitest';

import { startWholeApi } from '../services/relay/whole-api.ts';
import { dial, type SmtpClient } from '../services/relay/smtp-client.ts';
import { annPlain } from '../services/relay/running-door.ts';
import { startOurRelay } from './relay/ours.ts';
import { usageOf } from './relay/process-tree.ts';
import { report, toy } from './report.ts';

const built = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const [connections, megabytes] = toy ? [8, 4] : [200, 25];
const mostMegabytes = 256;
const timeout = 20 * 60_000;
const line = Buffer.from(`${'x'.repeat(1022)}\r\n`);
const piece = Buffer.concat(Array.from({ length: 64 }, () => line));

/** Logs in and begins a message, which all of them send at the same time. */
async function begin(port: number, number: number): Promise<SmtpClient> {
  const client = await dial({ host: '127.0.0.1', port });
  await client.reply();
  await client.ask('EHLO app.example.com');
  await client.ask(`AUTH PLAIN ${annPlain}`);
  await client.ask('MAIL FROM:<ann@example.com>');
  await client.ask('RCPT TO:<bob@example.org>');
  expect(await client.ask('DATA')).toMatch(/^354 /);
  client.socket.write(`From: ann@example.com\r\nMessage-ID: <large-${number}@example.com>\r\n\r\n`);
  return client;
}

/** Sends as fast as it is read; gives the reply. */
async function finish({ socket, closed, send }: SmtpClient): Promise<string> {
  const pieces = Math.floor((megabytes * 1_000_000 - 1_000) / piece.length);
  for (let sent = 0; sent < pieces; sent += 1) {
    if (!socket.write(piece)) await new Promise((resolve) => socket.once('drain', resolve));
  }
  send('.\r\nQUIT\r\n');
  return closed(timeout);
}

it(
  `the relay stays small while ${connections} clients send ${megabytes} MB each at the same time`,
  { timeout },
  async () => {
    expect(existsSync(built), 'build first: npm run build').toBe(true);
    await using api = await startWholeApi();
    await using relay = await startOurRelay(api.url);
    const clients = await Promise.all(
      Array.from({ length: connections }, (_, number) => begin(relay.ports.plain, number)),
    );
    const start = performance.now();
    const said = await Promise.all(clients.map(finish));
    const seconds = (performance.now() - start) / 1000;
    const { peakMegabytes, cpuSeconds } = await usageOf(relay.pid);
    report('relay-memory', [
      {
        connections,
        'mb each': megabytes,
        'peak mb': Math.round(peakMegabytes),
        aim: `≤ ${mostMegabytes}`,
        met: peakMegabytes <= mostMegabytes ? 'yes' : 'no',
        'mb/s': Math.round((connections * megabytes) / seconds),
        'cpu-s': Math.round(cpuSeconds),
      },
    ]);
    expect(said.filter((reply) => !reply.startsWith('250 '))).toEqual([]);
    await expect.poll(() => api.stored.size, { timeout }).toBe(connections);
  },
);
