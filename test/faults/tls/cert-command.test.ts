import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer as createPlainServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext, createServer, TLSSocket } from 'node:tls';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { type Certificate, makeSelfSignedCertificate } from '../../../src/adapters/certificate.ts';
import { envText } from '../../config/valid-sources.ts';
import { runInProcess } from '../../fakes/terminal.ts';

let folder = '';
const servers: Server[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cert-'));
});

afterEach(async () => {
  for (const server of servers.splice(0)) server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function made(name: string, days = 90): Promise<Certificate> {
  return makeSelfSignedCertificate([name], new Date(), days);
}

function keep(name: string, { certificatePem, keyPem }: Certificate): void {
  mkdirSync(join(folder, 'tls', name), { recursive: true });
  writeFileSync(join(folder, 'tls', name, 'fullchain.pem'), certificatePem);
  writeFileSync(join(folder, 'tls', name, 'privkey.pem'), keyPem.reveal());
}

async function listening(server: Server): Promise<string> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function serveTls({ certificatePem, keyPem }: Certificate): Promise<string> {
  return listening(createServer({ cert: certificatePem, key: keyPem.reveal() }));
}

/** An SMTP server that knows nothing but STARTTLS, and answers it with `reply`. */
function serveStartTls({ certificatePem, keyPem }: Certificate, reply = '220 go'): Promise<string> {
  const secureContext = createSecureContext({ cert: certificatePem, key: keyPem.reveal() });
  return listening(
    createPlainServer((socket) => {
      socket.on('error', () => undefined);
      socket.write('220-two lines\r\n220 ready\r\n');
      socket.on('data', (line) => {
        if (String(line).startsWith('EHLO')) socket.write('250-here\r\n250 STARTTLS\r\n');
        else if (String(line).startsWith('STARTTLS')) {
          socket.write(`${reply}\r\n`);
          socket.removeAllListeners('data');
          new TLSSocket(socket, { isServer: true, secureContext }).on('error', () => undefined);
        }
      });
    }),
  );
}

function status(ports: Readonly<Record<string, string>>, flags: readonly string[] = ['--json']) {
  writeFileSync(
    join(folder, '.env'),
    envText({
      CERT_DIR: 'tls',
      CERT_HTTPS_ADDRESS: 'off',
      CERT_SMTPS_ADDRESS: 'off',
      CERT_SUBMISSION_ADDRESS: 'off',
      CERT_SMTP_ADDRESS: 'off',
      TLS_SOURCE: 'files',
      ...ports,
    }),
  );
  chmodSync(join(folder, '.env'), 0o600);
  return runInProcess(['-C', folder, 'cert', 'status', ...flags]);
}

function serial({ certificatePem }: Certificate): string {
  return new X509Certificate(certificatePem).serialNumber;
}

describe('mailctl cert status', () => {
  it('dials every port of a name, and is content when each serves what the file holds', async () => {
    const [relay, postal] = [await made('smtp.example.com'), await made('postal.example.com')];
    keep('smtp.example.com', relay);
    keep('postal.example.com', postal);
    const ports = {
      CERT_SMTPS_ADDRESS: await serveTls(relay),
      CERT_SUBMISSION_ADDRESS: await serveStartTls(relay),
      CERT_HTTPS_ADDRESS: await serveTls(postal),
      CERT_SMTP_ADDRESS: await serveStartTls(postal),
    };
    const { exit, out } = await status(ports);
    expect(exit).toBe(0);
    const { data, warnings } = JSON.parse(out);
    expect(warnings).toEqual([]);
    expect(data.certificates).toMatchObject([
      {
        names: ['postal.example.com'],
        serial_file: serial(postal),
        serial_served: serial(postal),
        ports: [{ address: ports.CERT_HTTPS_ADDRESS }, { address: ports.CERT_SMTP_ADDRESS }],
      },
      {
        names: ['smtp.example.com'],
        serial_file: serial(relay),
        serial_served: serial(relay),
        ports: [{ address: ports.CERT_SMTPS_ADDRESS }, { address: ports.CERT_SUBMISSION_ADDRESS }],
      },
    ]);
    expect(new Date(data.certificates[0].expires_at).getTime()).toBeGreaterThan(Date.now());
  });

  it('ends with 20 and says which port serves an old certificate', async () => {
    const [old, fresh] = [await made('smtp.example.com'), await made('smtp.example.com')];
    keep('smtp.example.com', fresh);
    const address = await serveTls(old);
    const { exit, out } = await status({ CERT_SMTPS_ADDRESS: address });
    const { data, error } = JSON.parse(out);
    expect(exit).toBe(20);
    expect(error.message).toContain(`${address} serves ${serial(old)} for smtp.example.com`);
    expect(data.certificates[0]).toMatchObject({ serial_file: serial(fresh), serial_served: serial(old) });
  });

  it.each([
    ['nobody listens', async () => '127.0.0.1:1', 'ECONNREFUSED'],
    [
      'STARTTLS is refused',
      async () => serveStartTls(await made('smtp.example.com'), '454 not now'),
      '454 not now',
    ],
    ['the server says nothing', async () => listening(createPlainServer()), 'nothing within 300 ms'],
  ])('ends with 20 and says why where %s', async (_what, open, why) => {
    keep('smtp.example.com', await made('smtp.example.com'));
    const address = await open();
    const { exit, out } = await status({ CERT_SUBMISSION_ADDRESS: address, CERT_DIAL_TIMEOUT: '300ms' });
    expect({ exit, message: JSON.parse(out).error.message }).toEqual({
      exit: 20,
      message: expect.stringContaining(why),
    });
  });

  it.each([
    [20, 'ends within 30d'],
    [5, 'ends within 7d'],
    [0.5, 'ends within 1d'],
    [-0.5, 'ENDED'],
  ])('warns of a certificate with %d days left', async (days, words) => {
    keep('api.example.com', await made('api.example.com', days));
    const { exit, out } = await status({});
    expect({ exit, warnings: JSON.parse(out).warnings }).toEqual({
      exit: 0,
      warnings: [expect.stringContaining(words)],
    });
  });

  it('says that a placeholder is one, as long as certbot is to bring the real one', async () => {
    keep('api.example.com', await made('api.example.com'));
    const { out } = await status({ TLS_SOURCE: 'acme' });
    expect(JSON.parse(out).warnings).toEqual([expect.stringContaining('placeholder')]);
  });

  it('prints a line a certificate to a person', async () => {
    keep('api.example.com', await made('api.example.com'));
    const { out } = await status({}, []);
    expect(out).toMatch(/^✔ api\.example\.com {2}until .* serial [0-9A-F]+ {2}at not dialled\n$/);
  });

  it('says what to do where the folder is not there, or what is in it is no certificate', async () => {
    const { exit, out } = await status({});
    expect({ exit, field: JSON.parse(out).error.field }).toEqual({ exit: 13, field: 'CERT_DIR' });
    mkdirSync(join(folder, 'tls/api.example.com'), { recursive: true });
    writeFileSync(join(folder, 'tls/api.example.com/fullchain.pem'), 'nonsense');
    const broken = await status({});
    expect({ exit: broken.exit, hint: JSON.parse(broken.out).error.hint }).toEqual({
      exit: 20,
      hint: expect.stringContaining('cert issue'),
    });
  });
});

describe('mailctl cert renew', () => {
  it('is refused where certbot is not what brings certificates', async () => {
    await status({});
    const { exit, out } = await runInProcess(['-C', folder, 'cert', 'renew', '--json']);
    expect({ exit, field: JSON.parse(out).error.field }).toEqual({ exit: 21, field: 'TLS_SOURCE' });
  });
});

describe('mailctl cert prepare', () => {
  const prepare = (...words: readonly string[]) =>
    runInProcess(['-C', folder, 'cert', 'prepare', ...words, '--json']);

  it('makes a placeholder for each name without a usable certificate, readable by its group, and leaves good ones', async () => {
    await status({});
    const good = await made('good.example.com');
    keep('good.example.com', good);
    keep('torn.example.com', { ...good, keyPem: (await made('torn.example.com')).keyPem });
    const { exit, out } = await prepare('good.example.com', 'torn.example.com', 'new.example.com');
    expect({ exit, made: JSON.parse(out).data.made }).toEqual({
      exit: 0,
      made: ['torn.example.com', 'new.example.com'],
    });
    const read = (name: string) => readFileSync(join(folder, 'tls', name, 'fullchain.pem'), 'utf8');
    expect(read('good.example.com')).toBe(good.certificatePem);
    expect(new X509Certificate(read('new.example.com')).checkHost('new.example.com')).toBeDefined();
    expect(statSync(join(folder, 'tls/new.example.com/privkey.pem')).mode & 0o777).toBe(0o640);
    const again = await prepare('good.example.com', 'torn.example.com', 'new.example.com');
    expect(JSON.parse(again.out).data.made).toEqual([]);
  });

  it('takes no name that leads out of the folder', async () => {
    await status({});
    const { exit } = await prepare('../outside.example.com');
    expect(exit).toBe(2);
  });
});
