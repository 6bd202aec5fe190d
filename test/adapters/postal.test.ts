import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import type { Http, HttpEnd, HttpRequest } from '../../src/adapters/http.ts';
import { handover, postalClient } from '../../src/adapters/postal.ts';
import { Secret } from '../../src/domain/secret.ts';

const folder = new URL('../contracts/fixtures/postal/api/', import.meta.url);

/** The end of an exchange as it was recorded. */
function recorded(name: string): HttpEnd {
  const { response } = JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as {
    response: { status: number; body: string };
  };
  return { end: 'answered', status: response.status, headers: {}, body: Buffer.from(response.body) };
}

function answered(status: number, body = ''): HttpEnd {
  return { end: 'answered', status, headers: {}, body: Buffer.from(body) };
}

describe('what the end of a send/raw says', () => {
  it('is accepted with a name for each recipient', () => {
    expect(handover(recorded('raw-ok-two-rcpt-and-dup'))).toEqual({
      outcome: 'accepted',
      recipients: new Map([
        ['d1@d.rcpt.test', { id: 3, token: 'eVhbk03FW5e8SMLT' }],
        ['d2@d.rcpt.test', { id: 4, token: 'jpb9ft2fxa43HHJY' }],
      ]),
    });
  });

  it.each([
    ['err-raw-from-domain-not-ours', /verified domain/],
    ['raw-data-not-base64', /verified domain/],
    ['err-raw-data-missing', /data/],
  ])('is final for %s, in words an operator can use', (name, words) => {
    const end = handover(recorded(name));
    expect(end).toMatchObject({ outcome: 'refused' });
    expect(end.outcome === 'refused' && end.reason).toMatch(words);
  });

  it.each([
    ['err-bad-key', 'invalid-key'],
    ['err-no-key', 'access-denied'],
    ['err-wrong-host', 'wrong-host'],
    ['err-404', 'wrong-host'],
  ])('blocks the lane and never a message for %s', (name, problem) => {
    expect(handover(recorded(name))).toMatchObject({ outcome: 'blocked', problem });
  });

  it('blocks the lane for a suspended server', () => {
    const body = '{"status":"error","time":0.0,"flags":{},"data":{"code":"ServerSuspended"}}';
    expect(handover(answered(200, body))).toMatchObject({ outcome: 'blocked', problem: 'suspended' });
  });

  it('blocks the lane, without doubt about the message, when Postal was never reached', () => {
    const end: HttpEnd = { end: 'not-sent', why: 'connect ECONNREFUSED', forbidden: false };
    expect(handover(end)).toMatchObject({ outcome: 'blocked', problem: 'unreachable' });
  });

  it.each([
    ['no answer', { end: 'no-answer', why: 'reset' } as const],
    ['500', answered(500, '<html>')],
    ['502 of a proxy', answered(502)],
    ['half a body', answered(200, '{"status":"succ')],
    ['a body of another kind', answered(200, '<html>Welcome</html>')],
    ['a success without names', answered(200, '{"status":"success","data":{}}')],
  ])('is unclear after %s', (_, end) => {
    expect(handover(end)).toMatchObject({ outcome: 'unclear' });
  });

  it.each([
    ['an error code it does not know', answered(200, '{"status":"error","data":{"code":"Surprise"}}')],
    ['429', answered(429)],
    ['400', recorded('err-bad-json')],
  ])('may be tried again after %s', (_, end) => {
    expect(handover(end)).toMatchObject({ outcome: 'busy' });
  });

  it('waits as long as a 429 asks, in seconds or until a date, and leaves the time to us where it asks for none', () => {
    const date = 'Fri, 27 Nov 2026 12:00:00 GMT';
    const waits = [
      { 'retry-after': '90' },
      { 'retry-after': 'Fri, 27 Nov 2026 12:02:00 GMT', date },
      { 'retry-after': 'Fri, 27 Nov 2026 12:02:00 GMT' },
      { 'retry-after': 'soon', date },
      {},
    ].map((headers) => handover({ end: 'answered', status: 429, headers, body: Buffer.alloc(0) }));
    expect(waits.map((end) => end.outcome === 'busy' && end.retryAfterMs)).toEqual([
      90_000,
      120_000,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('never contains the key that Postal echoes', () => {
    const body =
      '{"status":"error","data":{"message":"The API token was not valid.","token":"S3cretKey","code":"InvalidServerAPIKey"}}';
    expect(JSON.stringify(handover(answered(200, body)))).not.toContain('S3cretKey');
  });
});

describe('a request to Postal', () => {
  const asked: HttpRequest[] = [];
  const http: Http = {
    exchange: (request) => {
      asked.push(request);
      return Promise.resolve(recorded('raw-ok'));
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const postal = postalClient(http, {
    url: 'http://127.0.0.1:5000',
    hostname: 'postal.example.test',
    apiKey: () => new Secret('the-key'),
    timeoutMs: 60_000,
  });

  it('carries Host, key, our mail_from and the octets in base64', async () => {
    const raw = Buffer.from('Subject: ☃\r\n\r\n\u0000', 'latin1');
    await postal.send({ mailFrom: 'k@mail.acme.test', rcptTo: ['a@b.test'], raw, isBounce: false });

    expect(asked.at(-1)).toMatchObject({
      method: 'POST',
      url: 'http://127.0.0.1:5000/api/v1/send/raw',
      headers: { host: 'postal.example.test', 'x-server-api-key': 'the-key' },
      withinMs: 60_000,
    });
    expect(JSON.parse(String(asked.at(-1)?.body))).toEqual({
      rcpt_to: ['a@b.test'],
      mail_from: 'k@mail.acme.test',
      data: raw.toString('base64'),
    });
  });

  it('says that it is a bounce when the reverse-path is null', async () => {
    await postal.send({
      mailFrom: 'k@mail.acme.test',
      rcptTo: ['a@b.test'],
      raw: Buffer.from('x'),
      isBounce: true,
    });
    expect(JSON.parse(String(asked.at(-1)?.body))).toMatchObject({ bounce: true });
  });
});
