import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { makeSelfSignedCertificate } from '../../src/adapters/certificate.ts';
import { containerOf, until } from './harness/containers.ts';
import { type Authority, startPebble } from './harness/pebble.ts';
import { type Envelope, runningStack, type TestStack, withValues } from './harness/stack.ts';

const longMs = 900_000;

let stack: TestStack;
let authority: Authority | undefined;
let written: string;

interface Shown {
  readonly names: readonly string[];
  readonly serial_file: string;
  readonly self_signed: boolean;
  readonly ports: readonly { readonly address: string; readonly serial: string | null }[];
}

function certificatesOf({ data }: Envelope): readonly Shown[] {
  return data?.['certificates'] as readonly Shown[];
}

function serialsOf(envelope: Envelope): ReadonlyMap<string, string> {
  return new Map(certificatesOf(envelope).map(({ names, serial_file: serial }) => [names[0] ?? '', serial]));
}

/** The `.env` of a stack without TLS, with these variables instead of its own. */
function configure(values: Readonly<Record<string, string>>): void {
  writeFileSync(join(stack.dir, '.env'), withValues(written, values));
}

async function up(): Promise<void> {
  const { exit, stderr } = await stack.mailctl('up', '--yes', '--no-input');
  if (exit !== 0) throw new Error(`up ended with ${exit}: ${stderr}`);
  await authority?.followNginx();
}

const withTls = {
  API_URL: 'https://api.example.com',
  POSTAL_WEB_PROTOCOL: 'https',
  RELAY_SUBMISSION_LISTEN: '0.0.0.0:587',
  RELAY_TLS_LISTEN: '0.0.0.0:465',
  RELAY_PRIVATE_LISTEN: 'off',
  NGINX_RELOAD_INTERVAL: '1s',
};

async function open(port: number, servername: string): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, servername, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  return socket;
}

async function heard(socket: TLSSocket, pattern: RegExp): Promise<string> {
  let said = '';
  for await (const bytes of socket.iterator({ destroyOnReturn: false })) {
    said += String(bytes);
    if (pattern.test(said)) return said;
  }
  throw new Error(`the connection was ended after: ${said}`);
}

beforeAll(async () => {
  stack = await runningStack();
  written = readFileSync(join(stack.dir, '.env'), 'utf8');
}, longMs);

afterAll(async () => {
  await authority?.[Symbol.asyncDispose]();
  authority = undefined;
  writeFileSync(join(stack.dir, '.env'), written);
  await up();
}, longMs);

describe('certificates of an authority', () => {
  beforeAll(async () => {
    authority = await startPebble(stack);
    configure({
      ...withTls,
      TLS_SOURCE: 'acme',
      ACME_DIRECTORY_URL: authority.directory,
      ACME_CA_FILE: authority.caFile,
      E2E_SMTP_CA_FILE: authority.rootFile,
      CERT_RETRY_DELAY: '2s',
    });
    await up();
  }, longMs);

  it(
    'are issued for every name, and served by nginx, the relay and Postal',
    { timeout: longMs },
    async () => {
      const issued = await stack.json('cert', 'issue', '--yes');
      expect(issued.error).toBeUndefined();
      const found = certificatesOf(issued);
      expect(found.map(({ names }) => names[0])).toEqual([
        'api.example.com',
        'click.example.com',
        'postal.example.com',
        'smtp.example.com',
        'track.postal.example.com',
      ]);
      expect(found.filter(({ self_signed: selfSigned }) => selfSigned)).toEqual([]);
      const ports = found.flatMap((one) => one.ports.map((port) => ({ ...port, wanted: one.serial_file })));
      expect(ports.filter(({ serial, wanted }) => serial !== wanted)).toEqual([]);
      expect([...new Set(ports.map(({ address }) => address))].toSorted()).toEqual([
        '127.0.0.1:21025',
        '127.0.0.1:21443',
        '127.0.0.1:21465',
        '127.0.0.1:21587',
      ]);
    },
  );

  it(
    'carry mail over STARTTLS and tracked links over HTTPS, trusted by whoever trusts the authority',
    { timeout: longMs },
    async () => {
      const { data, ok } = await stack.json('e2e');
      expect(data).toMatchObject({ failed: 0 });
      expect(data?.['checks']).toContainEqual(
        expect.objectContaining({ id: 'smtp.starttls', result: 'pass' }),
      );
      expect(ok).toBe(true);
    },
  );

  it('are renewed under open connections, none of which is dropped', { timeout: longMs }, async () => {
    const before = serialsOf(await stack.json('cert', 'status'));
    const web = await open(21_443, 'api.example.com');
    web.write(
      'POST /v1/messages HTTP/1.1\r\nHost: api.example.com\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{',
    );
    const smtp = await open(21_465, 'smtp.example.com');
    await heard(smtp, /^220 /);
    const renewed = await stack.json(
      'cert',
      'renew',
      '--force',
      'api.example.com',
      'smtp.example.com',
      '--yes',
    );
    expect(renewed.error).toBeUndefined();
    const after = serialsOf(renewed);
    expect(after.get('api.example.com')).not.toBe(before.get('api.example.com'));
    expect(after.get('smtp.example.com')).not.toBe(before.get('smtp.example.com'));
    expect(after.get('postal.example.com')).toBe(before.get('postal.example.com'));
    web.write('}');
    expect(await heard(web, /\r\n\r\n/)).toMatch(/^HTTP\/1\.1 401 /);
    smtp.write('NOOP\r\n');
    expect(await heard(smtp, /\r\n/)).toMatch(/^250 /);
    web.destroy();
    smtp.destroy();
  });

  it('that cannot be had are a clear failure, and what is served stays', { timeout: longMs }, async () => {
    await authority?.lead('click.example.com', '127.0.0.1');
    const { error } = await stack.json('cert', 'renew', '--force', 'click.example.com', '--yes');
    expect(error).toMatchObject({
      exit: 13,
      message: expect.stringMatching(/certbot failed[\s\S]*click\.example\.com/),
      hint: expect.stringContaining('mailctl domains check'),
    });
    expect((await stack.json('cert', 'status')).ok).toBe(true);
  });

  it('go on being had after certbot was killed', { timeout: longMs }, async () => {
    const { pid, restarts } = await containerOf(stack, 'certbot');
    process.kill(pid, 'SIGKILL');
    await until('certbot is well again', async () => {
      const now = await containerOf(stack, 'certbot');
      return now.restarts > restarts && now.health === 'healthy';
    });
    expect((await stack.json('cert', 'renew', '--force', 'api.example.com', '--yes')).error).toBeUndefined();
  });
});

describe('certificates that the operator brings', () => {
  it('are served at every port as soon as up has taken them', { timeout: longMs }, async () => {
    const names = ['smtp', 'api', 'postal', 'track.postal', 'click'].map((name) => `${name}.example.com`);
    const { certificatePem, keyPem } = await makeSelfSignedCertificate(names, new Date(), 30);
    writeFileSync(join(stack.dir, 'secrets/tls.crt'), certificatePem, { mode: 0o600 });
    writeFileSync(join(stack.dir, 'secrets/tls.key'), keyPem.reveal(), { mode: 0o600 });
    configure({ ...withTls, TLS_SOURCE: 'files' });
    await up();
    const { serialNumber } = new X509Certificate(certificatePem);
    await until('every port serves it', async () => (await stack.json('cert', 'status')).ok);
    const found = certificatesOf(await stack.json('cert', 'status'));
    expect(found.map(({ serial_file: serial }) => serial)).toEqual(names.map(() => serialNumber));
  });
});
