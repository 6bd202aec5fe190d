import { spawn, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFile, stat, utimes } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type ProcessGroup, startGroup } from '../../engines/process-group.ts';
import { type Authority, certbotIn, startAuthority } from './authority.ts';
import { type FrontDoor, openFrontDoor, servedSerial, trackingNames } from './front-door.ts';
import { until } from './until.ts';

const api = 'api.example.com';
const names = [api, 'postal.example.com', ...trackingNames];

describe('certbot', () => {
  let door: FrontDoor;
  let nginx: ProcessGroup;
  let authority: Authority;
  let environment: Record<string, string>;

  beforeAll(async () => {
    door = await openFrontDoor();
    authority = await startAuthority(door.folder, door.httpPort);
    for (const name of names) await door.placeCertificate(name);
    nginx = await door.start();
    environment = {
      PATH: process.env['PATH'] ?? '',
      LETSENCRYPT: join(door.folder, 'letsencrypt'),
      CHALLENGES: door.places.challenges,
      CERTIFICATES: door.places.certificates,
      SCRATCH: join(door.folder, 'certbot-work'),
      CERTBOT: await certbotIn(door.folder),
      ACME_DIRECTORY: authority.directory,
      ACME_CA: authority.caFile,
      ACME_EMAIL: 'ops@example.com',
      CERT_KEY_TYPE: 'ecdsa',
      CERT_NAMES: api,
      CERT_CHECK_SECONDS: '2',
      CERT_RETRY_SECONDS: '1',
      CERT_HEALTH_MINUTES: '60',
    };
  }, 180_000);

  afterAll(async () => {
    await nginx?.[Symbol.asyncDispose]();
    await authority?.[Symbol.asyncDispose]();
    await door?.[Symbol.asyncDispose]();
  });

  const script = (name: string) => join(door.folder, 'rendered/certbot', name);
  const run = async (words: readonly string[], more: Record<string, string> = {}) => {
    const child = spawn('sh', [script('run.sh'), ...words], { env: { ...environment, ...more } });
    const [said, [exit]] = await Promise.all([text(child.stdout), once(child, 'close')]);
    return { exit, said };
  };
  const health = (more: Record<string, string> = {}) => {
    const { status, stdout } = spawnSync('sh', [script('health.sh')], { env: { ...environment, ...more } });
    return { status, said: String(stdout) };
  };
  const file = (name: string) => join(door.places.certificates, name, 'fullchain.pem');
  const certificateOf = async (name: string) => new X509Certificate(await readFile(file(name)));

  it('gets a certificate through nginx on port 80, and nginx serves it without a restart', async () => {
    const pid = await nginx.pid();
    expect(await run(['due', api])).toMatchObject({ exit: 0 });
    const issued = await certificateOf(api);
    expect(issued.issuer).toContain('Pebble');
    expect(issued.checkHost(api)).toBe(api);
    await until(async () => (await servedSerial(door.httpsPort, api)) === issued.serialNumber, nginx.said);
    expect(await nginx.pid()).toBe(pid);
    expect((await stat(join(door.places.certificates, api, 'privkey.pem'))).mode & 0o777).toBe(0o640);
    expect(health()).toEqual({ status: 0, said: '' });
  });

  it('leaves alone what is not due, and renews it when it must, without dropping what is open', async () => {
    await run(['due', api]);
    const before = (await certificateOf(api)).serialNumber;
    await run(['due', api]);
    expect((await certificateOf(api)).serialNumber).toBe(before);
    await until(async () => (await servedSerial(door.httpsPort, api)) === before, nginx.said);
    const upload = openUpload(door.httpsPort);
    expect(await run(['now', api])).toMatchObject({ exit: 0 });
    const renewed = (await certificateOf(api)).serialNumber;
    expect(renewed).not.toBe(before);
    await until(async () => (await servedSerial(door.httpsPort, api)) === renewed, nginx.said);
    expect(await upload.finish()).toEqual({ status: 200, body: 'echo' });
  });

  it('lets one name that leads elsewhere hold up no other, says which and why, and keeps what is served', async () => {
    const [bad = '', good = ''] = trackingNames;
    await authority.lead(bad, '127.0.0.9');
    const before = await certificateOf(bad);
    const { exit, said } = await run(['due', bad, good]);
    expect(exit).toBe(1);
    expect(said).toContain(`no certificate for ${bad}`);
    expect(said).toMatch(/connection refused|Connection/i);
    for (const line of said.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('msg');
    expect((await certificateOf(good)).issuer).toContain('Pebble');
    expect((await certificateOf(bad)).serialNumber).toBe(before.serialNumber);
  });

  it('is unhealthy once it has not got or found a good certificate for long, though it runs', async () => {
    await run(['due', api]);
    const mark = join(environment['LETSENCRYPT'] ?? '', 'mailctl', `${api}.good`);
    const longAgo = new Date(Date.now() - 2 * 3_600_000);
    await utimes(mark, longAgo, longAgo);
    expect(health()).toEqual({
      status: 1,
      said: `certbot has had no good certificate for 60 minutes for: ${api}\n`,
    });
    await run(['due', api]);
    expect(health().status).toBe(0);
    expect(health({ CERT_NAMES: `${api} never.example.com` }).status).toBe(1);
  });

  it('goes on trying while port 80 is closed, survives a kill -9, and gets it when the port opens', async () => {
    const name = 'postal.example.com';
    await nginx[Symbol.asyncDispose]();
    const loop = () => startGroup(['sh', script('run.sh')], { ...environment, CERT_NAMES: name });
    const first = loop();
    await until(() => first.said().includes(`no certificate for ${name}`), first.said);
    await until(() => first.said().includes('trying again in 2 s'), first.said);
    process.kill(await first.pid(), 'SIGKILL');
    await first[Symbol.asyncDispose]();
    nginx = await door.start();
    await using second = loop();
    await until(async () => (await certificateOf(name)).issuer.includes('Pebble'), second.said);
    const issued = (await certificateOf(name)).serialNumber;
    await until(async () => (await servedSerial(door.httpsPort, name)) === issued, nginx.said);
    expect(health({ CERT_NAMES: name }).status).toBe(0);
  });
});

/** A request whose body is only half sent until `finish`. */
function openUpload(port: number) {
  const upload = request({
    host: '127.0.0.1',
    port,
    servername: api,
    path: '/v1/slow',
    method: 'POST',
    headers: { host: api, 'content-length': 8 },
    rejectUnauthorized: false,
    agent: false,
  });
  const reply = new Promise<IncomingMessage>((resolve, reject) => {
    upload.on('response', resolve);
    upload.on('error', reject);
  });
  upload.write('half');
  return {
    finish: async () => {
      upload.end('half');
      const response = await reply;
      return { status: response.statusCode, body: await text(response) };
    },
  };
}
