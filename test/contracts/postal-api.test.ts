import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type Answered, askSurely } from '../postal-stand-in/http-client.ts';
import { type Exchange, json, recordedExchanges } from './postal-fixtures.ts';
import { answerShape, lastingHeaders } from './postal-shape.ts';
import { deliverRaw, openTarget, type PostalTarget } from './postal-target.ts';

const recordedKey = 'ILhJDVFXjMGU6bzl1mIo2lCL';
const recordedHost = 'postal.example.test';
const exchanges = recordedExchanges('api');

let target: PostalTarget;
beforeAll(async () => {
  target = await openTarget();
});
afterAll(async () => target[Symbol.asyncDispose]());

describe("Postal's API answers as it was recorded", () => {
  test.each(exchanges.map((exchange) => [exchange.name, exchange] as const))('%s', async (_, exchange) => {
    const answer = await replay(exchange);
    const { status, headers, body } = exchange.response;
    expect(answer.status).toBe(status);
    expect(lastingHeaders(answer.headers)).toEqual({
      ...lastingHeaders(headers),
      ...connectionHeaders(answer),
    });
    expect(shapeOf(answer.text)).toBe(shapeOf(retarget(body)));
  });

  test('rotation-revoked-key: a key that is gone is refused in the recorded words, the one in use is not', async () => {
    const { old_key_answer: recorded, new_key_answer: current } = json('api/rotation-revoked-key.json');
    const question = {
      method: 'POST',
      path: '/api/v1/messages/message',
      headers: {
        host: target.webHostname,
        'content-type': 'application/json',
        'x-server-api-key': recorded.data.token,
      },
      body: '{"id":1}',
    };
    const answer = await askSurely(target.url, question);
    const { time, ...rest } = JSON.parse(answer.text);
    expect(rest).toEqual({ status: recorded.status, flags: recorded.flags, data: recorded.data });
    expect(time).toBeTypeOf('number');
    const found = await askSurely(target.url, {
      ...question,
      headers: { ...question.headers, 'x-server-api-key': target.apiKey },
      body: JSON.stringify({ id: await withheldRow() }),
    });
    expect(answerShape(found.text)).toBe(answerShape(JSON.stringify(current)));
  });

  test('every recorded exchange is among them', () => {
    expect(exchanges.length).toBeGreaterThanOrEqual(47);
  });
});

describe("Postal's public key", () => {
  test('is served as one RSA key of a JWKS, in the recorded order of members', async () => {
    const { request, response } = json('keys/jwks-response.json');
    const answer = await askSurely(target.url, { path: request.path, headers: { host: target.webHostname } });
    expect(answer.status).toBe(response.status);
    expect(lastingHeaders(answer.headers)).toEqual({
      ...lastingHeaders(response.headers),
      ...connectionHeaders(answer),
    });
    const [key] = JSON.parse(answer.text).keys;
    expect(Object.keys(key)).toEqual(Object.keys(json('keys/jwks.json').keys[0]));
    expect({ ...key, n: '', kid: '' }).toEqual({
      kty: 'RSA',
      n: '',
      e: 'AQAB',
      use: 'sig',
      alg: 'RS256',
      kid: '',
    });
    expect(key.kid).toMatch(/^[0-9a-f]{64}$/);
  });

  test('the login page is there', async () => {
    const answer = await askSurely(target.url, { path: '/login', headers: { host: target.webHostname } });
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'text/html; charset=UTF-8']);
  });
});

async function replay({ name, request }: Exchange): Promise<Answered> {
  const body = await bodyOf(name, request.body);
  return askSurely(target.url, {
    method: request.method,
    path: request.path,
    headers: { ...retargetAll(request.headers), host: retarget(request.host) },
    ...(body === '' ? {} : { body }),
  });
}

async function bodyOf(name: string, body: unknown): Promise<string> {
  if (name === 'raw-20MB') return JSON.stringify(largeMail());
  if (typeof body === 'string') return body;
  if (isRow(body)) return JSON.stringify({ ...body, id: await withheldRow() });
  return JSON.stringify(body);
}

function isRow(body: unknown): body is { id: 1 } {
  return typeof body === 'object' && body !== null && 'id' in body && body.id === 1;
}

/** The recorded look-ups are of the first message, sent by `raw-ok` and not yet delivered. */
async function withheldRow(): Promise<number> {
  const { request } = json('api/raw-ok.json');
  target.withhold?.('bob@b.rcpt.test');
  const { id } = await deliverRaw(target, 'bob@b.rcpt.test', Buffer.from(request.body.data, 'base64'));
  return id;
}

function largeMail() {
  const head = 'From: news@acme.test\r\nMessage-ID: <raw-1795422712854-ck5eqri07sb@acme.test>\r\n\r\n';
  const data = Buffer.from(head + 'x'.repeat(20 * 1024 ** 2)).toString('base64');
  return { rcpt_to: ['big@b.rcpt.test'], mail_from: 'news@acme.test', data };
}

function shapeOf(body: string): string {
  return body.startsWith('<') ? 'HTML' : answerShape(body);
}

function retarget(text: string): string {
  return text
    .replaceAll(recordedKey, target.apiKey)
    .replaceAll(recordedKey.toLowerCase(), target.apiKey.toLowerCase())
    .replaceAll(recordedHost, target.webHostname);
}

function retargetAll(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, retarget(value)]));
}

/** What keeps or ends the connection is the web server's own affair. */
function connectionHeaders({ headers }: Answered): Record<string, unknown> {
  const own = ['connection', 'keep-alive'].filter((name) => name in headers);
  return Object.fromEntries(own.map((name) => [name, headers[name]]));
}
