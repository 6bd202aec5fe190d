import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { openHttp } from '../../src/adapters/http.ts';
import { postalClient } from '../../src/adapters/postal.ts';
import { openPostgres, type Postgres } from '../../src/adapters/postgres.ts';
import type { SandboxCard } from '../../src/cli/commands/sandbox.ts';
import { parseEnvFile } from '../../src/config/env-file.ts';
import { Secret } from '../../src/domain/secret.ts';
import { testLimits } from '../engines/postgres-address.ts';
import { startProgram } from '../programs/program.ts';
import { dial, type SmtpClient } from '../services/relay/smtp-client.ts';
import { until } from '../store/until.ts';
import { report, toy } from './report.ts';

const messages = toy ? 30 : 2000;
const connections = 8;
const least = 0.95;

const mail =
  'From: <news@sandbox.test>\r\nTo: <ann@example.test>\r\nSubject: Hello\r\n\r\n' +
  `${'x'.repeat(70)}\r\n`.repeat(35);

/** Calls each of `senders` again and again until all messages were begun. */
async function shareOut(senders: readonly (() => Promise<unknown>)[]): Promise<void> {
  let left = messages;
  const lane = async (send: () => Promise<unknown>): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await send();
    }
  };
  await Promise.all(senders.map(lane));
}

/** Messages a second that a client gets into Postal which does nothing else. */
async function direct({ postal }: SandboxCard, variables: (name: string) => string): Promise<number> {
  await using http = openHttp({
    connections,
    connectTimeoutMs: 5000,
    mostAnswerBytes: 100_000,
    keepAlive: false,
  });
  const client = postalClient(http, {
    url: postal.url,
    hostname: variables('POSTAL_HOSTNAME'),
    apiKey: () => new Secret(variables('POSTAL_API_KEY')),
    timeoutMs: 60_000,
  });
  const message = {
    mailFrom: 'key@sandbox.test',
    rcptTo: ['ann@example.test'],
    raw: Buffer.from(mail),
    isBounce: false,
  };
  const start = performance.now();
  await shareOut(Array.from({ length: connections }, () => () => client.send(message)));
  return (messages / (performance.now() - start)) * 1000;
}

async function submitter({ smtp }: SandboxCard): Promise<SmtpClient> {
  const client = await dial(smtp);
  await client.reply();
  await client.ask('EHLO app.sandbox.test');
  await client.ask('STARTTLS');
  await client.startTls();
  await client.ask('EHLO app.sandbox.test');
  const plain = Buffer.from(`\0${smtp.username}\0${smtp.password}`).toString('base64');
  expect(await client.ask(`AUTH PLAIN ${plain}`)).toMatch(/^235/);
  return client;
}

async function submit(client: SmtpClient): Promise<void> {
  for (const line of ['MAIL FROM:<news@sandbox.test>', 'RCPT TO:<ann@example.test>', 'DATA'])
    await client.ask(line);
  expect(await client.ask(`${mail}.`)).toMatch(/^250/);
}

/** Messages a second that go all the way: from the first MAIL FROM until the last is at Postal. */
async function wholeWay(card: SandboxCard, db: Postgres): Promise<number> {
  const clients = await Promise.all(Array.from({ length: connections }, () => submitter(card)));
  const start = performance.now();
  await shareOut(clients.map((client) => () => submit(client)));
  const handedOver = () =>
    db.query<{ count: number }>(
      'select count(*)::integer as count from messages where next_attempt_at is null',
    );
  await until(handedOver, ([row]) => row?.count === messages, 600_000);
  return (messages / (performance.now() - start)) * 1000;
}

it(`goes through relay, journal, api, PostgreSQL and worker at ${least} of what a direct client gets into Postal`, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mailctl-bench-'));
  try {
    await using program = await startProgram('mailctl.ts', {
      args: ['sandbox', '--json'],
      environment: { TMPDIR: folder },
    });
    const card = program.said as SandboxCard;
    const { values } = parseEnvFile(await readFile(join(card.dir, '.env'), 'utf8'));
    const variable = (name: string) => values.get(name)?.text ?? '';
    await using db = openPostgres({
      ...testLimits,
      poolSize: 1,
      host: variable('POSTGRES_HOST'),
      port: Number(variable('POSTGRES_PORT')),
      database: variable('POSTGRES_DATABASE'),
      user: variable('POSTGRES_USER'),
      password: new Secret(variable('POSTGRES_PASSWORD')),
    });
    await fetch(`${card.postal.url}/_stand-in/pace`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '"measured"',
    });
    const client = await direct(card, variable);
    const whole = await wholeWay(card, db);
    const ratio = whole / client;
    report('whole-sandbox', [
      { way: 'direct client', messages_per_second: Number(client.toFixed(1)), ratio: 1 },
      {
        way: 'SMTP to Postal',
        messages_per_second: Number(whole.toFixed(1)),
        ratio: Number(ratio.toFixed(3)),
      },
    ]);
    expect(ratio).toBeGreaterThanOrEqual(toy ? 0 : least);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
