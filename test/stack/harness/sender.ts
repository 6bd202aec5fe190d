import { expect } from 'vitest';

import { openSmtp, type SmtpConversation } from '../../../src/adapters/smtp.ts';
import { systemClock } from '../../../src/adapters/clock.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { inPostgres, until } from './containers.ts';
import type { TestStack } from './stack.ts';

/** Slow enough that what gathers while an upgrade holds the worker back is delivered before the proof at its end gives up. */
const betweenMs = 250;
const port = 21_587;

/** A client that submits one message after the other. */
export interface Sender {
  /** Ids of what was answered 250. */
  readonly accepted: readonly string[];
  /** What was answered otherwise, or not at all. */
  readonly refused: readonly string[];
  /** Sends no more; resolves when the last answer came. */
  stop(): Promise<void>;
}

/** Stops a sender: what it was answered 250 for is in the database, every id. */
export async function expectNothingLost(stack: TestStack, sender: Sender): Promise<void> {
  await sender.stop();
  await until('every accepted message is in the database', async () => {
    const stored = new Set((await inPostgres(stack, 'select id from messages')).split('\n'));
    return sender.accepted.every((id) => stored.has(id));
  });
  expect(sender.accepted.length).toBeGreaterThan(20);
  expect(new Set(sender.accepted).size).toBe(sender.accepted.length);
}

/** Starts one, as a user of its own. */
export async function startSender(stack: TestStack): Promise<Sender> {
  const name = `load-${Date.now()}`;
  const made = await stack.json('smtp-users', 'create', name, '--domain', 'example.com', '--yes');
  const login = Buffer.from(`\0${name}\0${String(made.data?.['password'])}`).toString('base64');
  const accepted: string[] = [];
  const refused: string[] = [];
  const stopping = new AbortController();
  const running = sendOn(stopping.signal, login, { accepted, refused });
  return {
    accepted,
    refused,
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

interface Heard {
  readonly accepted: string[];
  readonly refused: string[];
}

async function sendOn(stop: AbortSignal, login: string, { accepted, refused }: Heard): Promise<void> {
  let connection: SmtpConversation | undefined;
  for (let count = 0; !stop.aborted; count += 1) {
    try {
      connection ??= await open(login);
      accepted.push(await submit(connection, count));
    } catch (error) {
      refused.push(error instanceof Error ? error.message : String(error));
      await connection?.[Symbol.asyncDispose]();
      connection = undefined;
    }
    await systemClock.sleep(betweenMs, stop);
  }
  await connection?.[Symbol.asyncDispose]();
}

async function open(login: string): Promise<SmtpConversation> {
  const connection = await openSmtp({ host: '127.0.0.1', port, timeoutMs: 10_000 });
  await said(connection.say('EHLO load.example.com'), 250);
  await said(connection.say(new Secret(`AUTH PLAIN ${login}`)), 235);
  return connection;
}

async function submit(connection: SmtpConversation, count: number): Promise<string> {
  await said(connection.say('MAIL FROM:<load@example.com>'), 250);
  await said(connection.say('RCPT TO:<inbox@recipient.test>'), 250);
  await said(connection.say('DATA'), 354);
  const lines = ['From: load@example.com', 'To: inbox@recipient.test', `Subject: ${count}`, '', 'Hello', ''];
  const text = await said(connection.sendMessage(Buffer.from(lines.join('\r\n'))), 250);
  const id = /queued as (\S+)/.exec(text)?.[1];
  if (id === undefined) throw new Error(`no id in: ${text}`);
  return id;
}

async function said(reply: ReturnType<SmtpConversation['say']>, wanted: number): Promise<string> {
  const { code, lines } = await reply;
  if (code !== wanted) throw new Error(`${code} ${lines.join(' ')}`);
  return lines.join(' ');
}
