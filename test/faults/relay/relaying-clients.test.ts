import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it, type TestContext } from 'vitest';

import { exec } from '../../../src/adapters/exec.ts';
import { startPostfix } from '../../bench/relay/postfix.ts';
import { cacheFolder, libraryFolders, unpackDebian } from '../../engines/debian-packages.ts';
import { type EngineProgram, findProgram } from '../../engines/programs.ts';
import { ann, type RunningDoor, runDoor } from '../../services/relay/running-door.ts';
import { dial } from '../../services/relay/smtp-client.ts';

const timeout = 120_000;
const lines = ['.', '..', '.line', 'usual', '', 'end'];
const recipients = Array.from({ length: 30 }, (_, number) => `bob${number}@example.org`);

/** A program that this machine neither has nor can fetch leaves the test unrun, and the run says why. */
async function hadOrSkipped<T>(get: () => Promise<T>, { skip }: TestContext): Promise<T> {
  return get().catch((why: unknown) => skip(`not applicable: ${String(why)}`));
}

/** Postfix as an operator sets it up to relay everything through us, with a login and a certificate that it checks. */
function relayingThrough(running: RunningDoor, listener: 'submission' | 'tls') {
  const nexthop = `[127.0.0.1]:${running.door.addresses[listener]?.port}`;
  return {
    files: { passwords: `${nexthop} ${ann.username}:${ann.password}\n` },
    main: (config: string) => [
      `relayhost = ${nexthop}`,
      'smtpd_recipient_restrictions = permit_mynetworks, reject',
      'smtp_sasl_auth_enable = yes',
      `smtp_sasl_password_maps = texthash:${join(config, 'passwords')}`,
      'smtp_sasl_security_options = noanonymous',
      'smtp_tls_security_level = secure',
      'smtp_tls_secure_cert_match = relay.example.com',
      `smtp_tls_CAfile = ${join(running.folder, 'cert.pem')}`,
      `smtp_tls_wrappermode = ${listener === 'tls' ? 'yes' : 'no'}`,
    ],
    master: ['smtp unix - - n - - smtp'],
  };
}

async function handTo(port: number): Promise<void> {
  const client = await dial({ host: '127.0.0.1', port });
  await client.reply();
  await client.ask('EHLO app.example.com');
  await client.ask('MAIL FROM:<ann@example.com>');
  for (const recipient of recipients) await client.ask(`RCPT TO:<${recipient}>`);
  await client.ask('DATA');
  const stuffed = lines.map((line) => (line.startsWith('.') ? `.${line}` : line));
  const text = ['From: ann@example.com', 'Message-ID: <1@example.com>', '', ...stuffed, '.'];
  expect(await client.ask(text.join('\r\n'))).toMatch(/^250 /);
  client.socket.end('QUIT\r\n');
}

describe('Postfix as a client', () => {
  it.for(['submission', 'tls'] as const)(
    'checks our certificate, logs in and delivers through the %s listener, octet for octet',
    { timeout },
    async (listener, context) => {
      await using running = await runDoor();
      const start = () => startPostfix(relayingThrough(running, listener));
      await using postfix = await hadOrSkipped(start, context);
      await handTo(postfix.ports.plain);
      await expect.poll(() => running.kept.length, { timeout: 60_000 }).toBe(1);

      const [submission] = running.kept;
      const raw = Buffer.from(submission?.raw ?? []).toString('latin1');
      expect(submission).toMatchObject({ credentialId: 'usr_ann' });
      expect(submission?.envelope.mailFrom).toBe('ann@example.com');
      expect(submission?.envelope.rcptTo.toSorted()).toEqual(recipients.toSorted());
      expect(raw).toMatch(
        /^Received: from relay\.example\.com .*\r\n\tby relay\.example\.com .* with ESMTPSA /,
      );
      expect(raw.slice(raw.indexOf('\r\n\r\n') + 4)).toBe(`${lines.join('\r\n')}\r\n`);
    },
  );
});

interface Swaks {
  readonly program: EngineProgram;
  readonly environment: Readonly<Record<string, string>>;
}

/** swaks of this machine, else of its Debian package, with Perl's TLS. */
async function findSwaks(): Promise<Swaks> {
  const program = await findProgram({ program: 'swaks', debianPackage: 'swaks', folder: 'usr/bin' });
  const root = await unpackDebian({ name: 'libnet-ssleay-perl', brings: 'usr/lib' }, cacheFolder());
  const modules = (await libraryFolders(root)).map((inside) => join(root, inside, 'perl5'));
  const versions = await Promise.all(
    modules.map(async (path) => (await readdir(path)).map((version) => join(path, version))),
  );
  return { program, environment: { PERL5LIB: versions.flat().join(':') } };
}

describe('swaks', () => {
  it.for([
    ['submission', '--tls', 'PLAIN'],
    ['submission', '--tls', 'LOGIN'],
    ['tls', '--tls-on-connect', 'PLAIN'],
  ] as const)('is served by the %s listener with %s and AUTH %s', { timeout }, async (how, context) => {
    const [listener, tls, mechanism] = how;
    await using running = await runDoor();
    const { program, environment } = await hadOrSkipped(findSwaks, context);
    const server = `127.0.0.1:${running.door.addresses[listener]?.port}`;
    const login = ['--auth', mechanism, '--auth-user', ann.username, '--auth-password', ann.password];
    const mail = ['--from', 'ann@example.com', '--to', 'bob@example.org', '--ehlo', 'app.example.com'];
    const { exit, stdout } = await exec([program.path, '--server', server, tls, ...login, ...mail], {
      timeoutMs: 60_000,
      environment,
    });

    expect(stdout).toContain('250 2.0.0 Ok: queued as msg_');
    expect(exit).toBe(0);
    expect(running.kept).toHaveLength(1);
  });
});
