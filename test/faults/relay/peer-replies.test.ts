import { describe, expect, it, type TestContext } from 'vitest';

import { isHarakaFetched, startHaraka } from '../../bench/relay/haraka.ts';
import { startPostfix } from '../../bench/relay/postfix.ts';
import { annPlain, runDoor } from '../../services/relay/running-door.ts';
import { dial, type SmtpClient } from '../../services/relay/smtp-client.ts';
import { type Compared, compared, type Standing } from './peer-replies.ts';

const timeout = 120_000;
const steps: readonly (readonly [Exclude<Standing, 'greeted'>, string])[] = [
  ['mail', 'MAIL FROM:<ann@example.com>'],
  ['rcpt', 'RCPT TO:<bob@example.org>'],
  ['data', 'DATA'],
];

/** Brings a new session to where the command is to be said. */
async function stand(port: number, at: Standing, login: string | undefined): Promise<SmtpClient> {
  const client = await dial({ host: '127.0.0.1', port });
  await client.reply();
  if (at === 'greeted') return client;
  await client.ask('EHLO app.example.com');
  if (login !== undefined) expect(await client.ask(`AUTH PLAIN ${login}`)).toMatch(/^235 /);
  const reached = steps.findIndex(([name]) => name === at);
  for (const [, line] of steps.slice(0, reached + 1)) await client.ask(line);
  return client;
}

/** The code of the reply, with the enhanced one where there is one (RFC 2034). */
async function codesOf(port: number, { at, say }: Compared, login: string | undefined): Promise<string> {
  const client = await stand(port, at, login);
  const reply = await client.ask(say);
  client.socket.destroy();
  return /^\d{3}(?:[ -]\d\.\d\.\d+)?/.exec(reply.split('\r\n').at(-2) ?? '')?.[0] ?? reply;
}

async function heardFrom(port: number, login: string | undefined): Promise<readonly string[]> {
  const heard: string[] = [];
  for (const row of compared) heard.push(`${row.say}: ${await codesOf(port, row, login)}`);
  return heard;
}

function written(server: 'ours' | 'postfix' | 'haraka'): readonly string[] {
  return compared.map((row) => `${row.say}: ${row[server]}`);
}

/** A peer that this machine neither has nor can run leaves its test unrun, and the run says why. */
async function hadOrSkipped<T>(start: () => Promise<T>, { skip }: TestContext): Promise<T> {
  return start().catch((why: unknown) => skip(`not applicable: ${String(why)}`));
}

describe('the same input', () => {
  it('is answered by our relay as the table says', async () => {
    await using running = await runDoor();
    expect(await heardFrom(running.door.addresses['private']?.port ?? 0, annPlain)).toEqual(written('ours'));
  });

  it('is answered by Postfix as the table says', { timeout }, async (context) => {
    await using postfix = await hadOrSkipped(startPostfix, context);
    expect(await heardFrom(postfix.ports.plain, undefined)).toEqual(written('postfix'));
  });

  it('is answered by Haraka as the table says', { timeout }, async (context) => {
    context.skip(!(await isHarakaFetched()), 'not applicable: Haraka is fetched by its benchmark alone');
    await using haraka = await hadOrSkipped(() => startHaraka('discard'), context);
    expect(await heardFrom(haraka.ports.plain, annPlain)).toEqual(written('haraka'));
  });

  it.each(compared)('has a reason where we answer $say otherwise than a peer', (row) => {
    const [ours, ...peers] = [row.ours, row.postfix, row.haraka].map((codes) => codes.slice(0, 3));
    expect(row.why !== undefined).toBe(peers.some((code) => code !== ours));
  });
});
