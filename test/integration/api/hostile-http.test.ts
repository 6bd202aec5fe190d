import { connect } from 'node:net';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { type ApiUnderTest, call, runningApi, webhookToken } from './running-api.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await runningApi({ API_REQUEST_TIMEOUT: '200ms' });
});
afterAll(() => api[Symbol.asyncDispose]());

/** What the server says to these octets, until it ends the connection. */
function say(octets: string): Promise<string> {
  const { port } = new URL(api.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(octets));
    const heard: Buffer[] = [];
    socket.on('data', (piece) => heard.push(piece));
    socket.on('end', () => resolve(Buffer.concat(heard).toString()));
    socket.on('error', reject);
  });
}

it('answers what is no HTTP with a problem document and ends the connection', async () => {
  const answer = await say('EHLO ams.acme.test\r\n\r\n');
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(answer).toContain('Content-Type: application/problem+json');
  expect(answer).toMatch(/"request_id":"req_[0-9a-z]{26}"/);
});

it('answers header fields without end with 431', async () => {
  const answer = await say(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`);
  expect(answer).toMatch(/^HTTP\/1\.1 431 [\s\S]*"code":"headers-too-large"/);
});

it('refuses two lengths and a length with chunks, by which requests are smuggled past a proxy', async () => {
  const start = 'POST /v1/messages HTTP/1.1\r\nHost: a\r\n';
  expect(await say(`${start}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc`)).toMatch(/^HTTP\/1\.1 400 /);
  expect(await say(`${start}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`)).toMatch(
    /^HTTP\/1\.1 400 /,
  );
});

it('names a path that cannot be decoded or is too long, without repeating it', async () => {
  expect(await call(api, 'GET', '/v1/messages/%ff')).toMatchObject({
    status: 400,
    body: { code: 'bad-request' },
  });
  const long = await call(api, 'GET', `/v1/messages/${'x'.repeat(600)}`);
  expect(long).toMatchObject({ status: 404, body: { code: 'not-found' } });
  await call(api, 'POST', `/webhooks/postal/${webhookToken}%ff`);
  expect(api.lines.join('')).not.toContain(webhookToken);
});

it('does not trust X-Forwarded-For of a stranger', async () => {
  await call(api, 'GET', '/v1/messages', { headers: { 'x-forwarded-for': '203.0.113.9' } });
  expect(api.lines.join('')).not.toContain('203.0.113.9');
  await using proxied = await runningApi({ API_TRUSTED_PROXIES: '127.0.0.0/8' });
  await call(proxied, 'GET', '/v1/messages', { headers: { 'x-forwarded-for': '203.0.113.9' } });
  expect(proxied.lines.join('')).toContain('203.0.113.9');
});

it('ends a request that does not arrive in time', async () => {
  const head = `POST /v1/messages HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${api.key.reveal()}\r\n`;
  const answer = await say(`${head}Content-Type: application/json\r\nContent-Length: 10\r\n\r\n{`);
  expect(answer).toMatch(/^HTTP\/1\.1 408 [\s\S]*"code":"request-timeout"/);
});
