import { expect, it } from 'vitest';

import type { Listening } from '../../../src/services/running.ts';
import { type Program, startProgram } from '../../programs/program.ts';
import { temporaryDirectory } from '../../services/relay/journal/fixture.ts';
import { annPlain, relayEnvironment, writeCertificate } from '../../services/relay/running-door.ts';
import { dial } from '../../services/relay/smtp-client.ts';
import { startWholeApi } from '../../services/relay/whole-api.ts';

const timeout = 60_000;
const lines = ['MAIL FROM:<ann@example.com>', 'RCPT TO:<bob@example.org>', 'DATA'];

async function startRelay(folder: string, apiUrl: string) {
  const environment = {
    ...relayEnvironment(folder),
    MAILCTL_DIR: folder,
    API_INTERNAL_URL: apiUrl,
    RELAY_SHUTDOWN_TIMEOUT: '1h',
  };
  return startProgram('mailctl.ts', { args: ['relay'], environment });
}

/** What a relay says first that has nothing to repair. */
function addressOf({ said }: Program): Listening {
  const { addresses } = said as { addresses: Record<string, Listening> };
  return addresses['private'] ?? { host: '', port: 0 };
}

async function logIn(to: Listening) {
  const client = await dial(to);
  await client.reply();
  await client.ask('EHLO app.example.com');
  expect(await client.ask(`AUTH PLAIN ${annPlain}`)).toMatch(/^235 /);
  return client;
}

it(
  'a second SIGTERM ends a relay that waits for a message, and what was answered 250 is shipped by the next',
  {
    timeout,
  },
  async () => {
    await using folder = await temporaryDirectory();
    await writeCertificate(folder.path);
    await using api = await startWholeApi();
    await using first = await startRelay(folder.path, api.url);
    const to = addressOf(first);
    const [done, unfinished, idle] = [await logIn(to), await logIn(to), await logIn(to)];
    for (const client of [done, unfinished]) for (const line of lines) await client.ask(line);
    const id = /msg_\w+/.exec(await done.ask('From: ann@example.com\r\n\r\nHello\r\n.'))?.[0];
    unfinished.send('From: ann');
    first.kill('SIGTERM');
    expect(await idle.closed()).toMatch(/^421 4\.3\.2 /);
    first.kill('SIGTERM');
    expect(await first.ended).toBe(143);

    await using second = await startRelay(folder.path, api.url);
    expect(second.pid).toBeGreaterThan(0);
    await expect.poll(() => [...api.stored.keys()], { timeout }).toEqual([id]);
  },
);
