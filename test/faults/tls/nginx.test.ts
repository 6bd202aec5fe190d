import { mkdir, writeFile } from 'node:fs/promises';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as TlsAgent, request as httpsRequest, type RequestOptions } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { ProcessGroup } from '../../engines/process-group.ts';
import { type FrontDoor, openFrontDoor, servedSerial, trackingNames } from './front-door.ts';
import { until } from './until.ts';

const names = ['api.example.com', 'postal.example.com', ...trackingNames];

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

async function answered(
  send: typeof httpRequest,
  options: RequestOptions,
  body: Uint8Array | undefined,
): Promise<Answer> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = send(options, resolve);
    request.on('error', reject);
    request.end(body);
  });
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) };
}

describe('the front door', () => {
  let door: FrontDoor;
  let nginx: ProcessGroup;

  beforeAll(async () => {
    door = await openFrontDoor({ POSTAL_WEBHOOK_MAX_BYTES: '1KB', API_MAX_BODY_BYTES: '4KB' });
    for (const name of names) await door.placeCertificate(name);
    nginx = await door.start();
  }, 120_000);

  afterAll(async () => {
    await nginx[Symbol.asyncDispose]();
    await door[Symbol.asyncDispose]();
  });

  const https = (name: string, path: string, options: RequestOptions = {}, body?: Uint8Array) =>
    answered(
      httpsRequest as typeof httpRequest,
      {
        host: '127.0.0.1',
        port: door.httpsPort,
        servername: name,
        path,
        rejectUnauthorized: false,
        ...options,
        headers: { host: name, ...options.headers },
      },
      body,
    );
  const http = (name: string, path: string) =>
    answered(
      httpRequest,
      { host: '127.0.0.1', port: door.httpPort, path, headers: { host: name } },
      undefined,
    );

  it('is a configuration that nginx itself calls good, without a warning', () => {
    const { exit, said } = door.check();
    expect({ exit, warnings: said.match(/\[(warn|emerg|alert)\].*/g) }).toEqual({ exit: 0, warnings: null });
  });

  it('tells the api who asked, and believes no client about that', async () => {
    const forged = {
      'x-forwarded-for': '203.0.113.9',
      'x-real-ip': '203.0.113.9',
      'x-forwarded-proto': 'http',
    };
    const { status } = await https('api.example.com', '/v1/messages?after=1', { headers: forged });
    expect(status).toBe(200);
    expect(door.seen()).toMatchObject({
      url: '/v1/messages?after=1',
      headers: {
        host: 'api.example.com',
        'x-forwarded-for': '127.0.0.1',
        'x-real-ip': '127.0.0.1',
        'x-forwarded-proto': 'https',
      },
    });
  });

  it.each(['api.example.com', 'postal.example.com'])(
    'takes the mark of tracking away from a client of %s',
    async (name) => {
      await https(name, '/img/abc', { headers: { 'x-postal-track-host': '1' } });
      expect(door.seen()?.headers).toMatchObject({ host: name });
      expect(door.seen()?.headers).not.toHaveProperty('x-postal-track-host');
    },
  );

  it.each(trackingNames)(
    'marks what comes over %s as tracking, for the Host that Postal answers',
    async (name) => {
      await https(name, '/abc/def');
      expect(door.seen()?.headers).toMatchObject({ host: 'postal.example.com', 'x-postal-track-host': '1' });
    },
  );

  it('lets nobody send anything to the tracking names', async () => {
    const { status } = await https('click.example.com', '/abc', { method: 'POST' }, Buffer.from('x'));
    expect(status).toBe(403);
  });

  it('refuses a webhook and a request to the api that are larger than they may be, each by its own limit', async () => {
    const post = (path: string, bytes: number) =>
      https('api.example.com', path, { method: 'POST' }, Buffer.alloc(bytes, 'x')).then(
        ({ status }) => status,
      );
    expect(await post('/webhooks/postal/secret', 1024)).toBe(200);
    expect(await post('/webhooks/postal/secret', 1025)).toBe(413);
    expect(await post('/v1/messages', 4096)).toBe(200);
    expect(await post('/v1/messages', 4097)).toBe(413);
  });

  it('does not say which nginx it is', async () => {
    const { headers } = await https('api.example.com', '/');
    expect(headers['server']).toBe('nginx');
  });

  it('sends a browser from port 80 to HTTPS, whatever the name', async () => {
    const { status, headers } = await http('click.example.com', '/a/b?c=d');
    expect({ status, to: headers['location'] }).toEqual({
      status: 301,
      to: 'https://click.example.com/a/b?c=d',
    });
  });

  it('answers challenges of certbot on port 80, and nothing else of that folder', async () => {
    const folder = join(door.places.challenges, '.well-known/acme-challenge');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'token'), 'token.key', { mode: 0o644 });
    expect(await http('api.example.com', '/.well-known/acme-challenge/token')).toMatchObject({
      status: 200,
      body: 'token.key',
    });
    expect((await http('api.example.com', '/.well-known/acme-challenge/other')).status).toBe(404);
    expect((await http('api.example.com', '/.well-known/acme-challenge/../../../tls')).status).not.toBe(200);
  });

  it('shakes hands for nobody else', async () => {
    expect(await servedSerial(door.httpsPort, 'stranger.example.net')).toBeUndefined();
    expect(await servedSerial(door.httpsPort, 'api.example.com')).toBeDefined();
  });

  it('writes neither the secret of a webhook nor a query into its log', async () => {
    await https('api.example.com', '/webhooks/postal/canary-token-1?key=canary-query-1');
    await https('api.example.com', '/after-the-canary');
    await until(() => door.logged().includes('/after-the-canary'), door.logged);
    expect(door.logged()).toContain('"path":"/webhooks/-"');
    expect(door.logged()).not.toContain('canary-token-1');
    expect(door.logged()).not.toContain('canary-query-1');
  });

  it('answers 502 while a service is away, and goes on', async () => {
    await using lonely = await openFrontDoor();
    for (const name of names) await lonely.placeCertificate(name);
    await using running = await lonely.start();
    await lonely.closeService();
    const { status } = await https('api.example.com', '/', { port: lonely.httpsPort });
    expect(status).toBe(502);
    expect(running.process.exitCode).toBeNull();
  });

  it('serves a new certificate by itself, and drops no connection over it', async () => {
    const agent = new TlsAgent({ keepAlive: true, maxSockets: 1 });
    const before = await servedSerial(door.httpsPort, 'api.example.com');
    const upload = httpsRequest({
      host: '127.0.0.1',
      port: door.httpsPort,
      servername: 'api.example.com',
      path: '/v1/slow',
      method: 'POST',
      headers: { host: 'api.example.com', 'content-length': 8 },
      rejectUnauthorized: false,
      agent,
    });
    const reply = new Promise<IncomingMessage>((resolve, reject) => {
      upload.on('response', resolve);
      upload.on('error', reject);
    });
    upload.write('half');
    const fresh = await door.placeCertificate('api.example.com');
    await until(async () => (await servedSerial(door.httpsPort, 'api.example.com')) === fresh, nginx.said);
    upload.end('half');
    const response = await reply;
    expect({ status: response.statusCode, body: await text(response) }).toEqual({
      status: 200,
      body: 'echo',
    });
    expect(door.seen()).toMatchObject({ url: '/v1/slow', bytes: 8 });
    expect(fresh).not.toBe(before);
    agent.destroy();
  });

  it('keeps the old certificate while half of a new one is there, and takes the whole one', async () => {
    const name = 'postal.example.com';
    const before = await servedSerial(door.httpsPort, name);
    await writeFile(join(door.places.certificates, name, 'fullchain.pem'), 'half a certificate');
    await until(() => nginx.said().includes('cannot load certificate'), nginx.said);
    expect(await servedSerial(door.httpsPort, name)).toBe(before);
    const fresh = await door.placeCertificate(name);
    await until(async () => (await servedSerial(door.httpsPort, name)) === fresh, nginx.said);
  });
});

describe('without TLS', () => {
  it('serves the same names on port 80 alone', async () => {
    await using door = await openFrontDoor({
      TLS_SOURCE: 'off',
      API_URL: 'http://api.example.com',
    });
    await using nginx = await door.start();
    const agent = new Agent();
    const options = { host: '127.0.0.1', port: door.httpPort, path: '/x', agent };
    const call = (host: string) => answered(httpRequest, { ...options, headers: { host } }, undefined);
    expect((await call('api.example.com')).status).toBe(200);
    expect(door.seen()?.headers).toMatchObject({ host: 'api.example.com', 'x-forwarded-proto': 'http' });
    expect((await call('stranger.example.net')).status).toBe(421);
    expect(nginx.said()).not.toMatch(/\[(warn|emerg|alert)\]/);
  });
});
