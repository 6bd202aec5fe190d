import { createPublicKey, verify } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { isSignedBy, kidOf, postalKeyOfPem, postalKeysOfJwks } from '../../src/domain/postal-webhook.ts';
import { dkimRecord } from '../../src/postal-stand-in/dkim.ts';
import { rsaKey } from '../../src/postal-stand-in/keys.ts';
import { askSurely } from '../postal-stand-in/http-client.ts';
import { htmlMail, startTestPostal, type TestPostal, webHostname } from '../postal-stand-in/stand-in.ts';
import { type Received, type Receiver, startReceiver } from '../postal-stand-in/webhook-receiver.ts';
import { json, recordedFile, recordedWebhooks, type RecordedWebhook } from './postal-fixtures.ts';
import { kindsOf } from './postal-shape.ts';

let receiver: Receiver;
let running: TestPostal;

beforeAll(async () => {
  receiver = await startReceiver();
  running = await startTestPostal({ webhook: { url: `${receiver.url}/hooks/postal?x=1` }, tracking: {} });
});
afterAll(async () => {
  await running[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

const recorded = recordedWebhooks();
const named = recorded.map((webhook) => [webhook.name, webhook] as const);

describe('a recorded webhook is signed as we understand it', () => {
  test.each(named)('%s', (_, { body, headers }) => {
    const key = postalKeyOfPem(recordedFile('keys/signing.pub.pem').toString());
    if (!key) throw new Error('the recorded key is none');
    expect(headers['X-Postal-Signature-Kid']).toBe(key.kid);
    expect(isSignedBy(key, { body, signature: headers['X-Postal-Signature-256'] ?? '' })).toBe(true);
    expect(
      isSignedBy(key, { body: body.subarray(1), signature: headers['X-Postal-Signature-256'] ?? '' }),
    ).toBe(false);
  });

  test('the recorded JWKS holds the recorded key', () => {
    const [key] = postalKeysOfJwks(json('keys/jwks.json'));
    expect(key?.kid).toBe(json('keys/jwks.json').keys[0].kid);
  });
});

describe('the same event raises the same webhook: names, order, kinds of values, headers on the wire', () => {
  test.each(named)('%s', async (name, webhook) => {
    const received = await bringAbout(name);
    expect(kindsOf(received.body.toString())).toBe(kindsOf(webhook.body.toString()));
    expect(headerNames(received.rawHeaders)).toEqual(Object.keys(webhook.headers));
    expect(lastingOf(received)).toEqual(lastingOf(asReceived(webhook)));
    expect(received).toMatchObject({
      method: webhook.method,
      httpVersion: webhook.httpVersion,
      url: '/hooks/postal?x=1',
    });
  });

  test('markup in a subject is escaped as Rails does it', async () => {
    const received = await bringAbout('MessageSent-2');
    expect(received.body.toString()).toContain(String.raw`"subject":"raw test \u003cb\u003e\u0026'\""`);
  });

  test('texts that Postal writes itself are word for word the same', async () => {
    for (const name of ['MessageDelayed-2', 'MessageDeliveryFailed-1']) {
      const { details, status, output } = JSON.parse((await bringAbout(name)).body.toString()).payload;
      const original = recorded.find((webhook) => webhook.name === name)?.body.toString() ?? '';
      expect({ details, status, output }).toMatchObject(wordsOf(JSON.parse(original).payload));
    }
  });
});

describe("the stand-in's signature", () => {
  test('is RSA-SHA256 over the raw octets by the one key in its JWKS, with the old SHA-1 one beside it', async () => {
    const { body, headers } = await bringAbout('MessageSent-1');
    const jwks = await askSurely(running.postal.url, {
      path: '/.well-known/jwks.json',
      headers: { host: webHostname },
    });
    const [key] = postalKeysOfJwks(JSON.parse(jwks.text));
    if (!key) throw new Error('no key is served');
    expect(headers['x-postal-signature-kid']).toBe(key.kid);
    expect(isSignedBy(key, { body, signature: String(headers['x-postal-signature-256']) })).toBe(true);
    const old = Buffer.from(String(headers['x-postal-signature']), 'base64');
    expect(verify('RSA-SHA1', body, createPublicKey(running.postal.signingPublicKey), old)).toBe(true);
    expect(kidOf(createPublicKey(running.postal.signingPublicKey))).toBe(running.postal.kid);
  });

  test('publishes DKIM keys in the form of the recorded record', async () => {
    const form = (value: string) => value.replace(/p=[A-Za-z0-9+/=]+/, 'p=KEY').trim();
    const { value } = dkimRecord({
      domain: 'acme.test',
      selector: 'postal',
      key: await rsaKey(undefined, 1024),
    });
    expect(form(value)).toBe(form(recordedFile('keys/default-dkim-record.txt').toString()));
  });
});

/** What makes a stand-in raise each recorded event, by the recording's name. */
const occasions: Readonly<Record<string, () => Promise<unknown>>> = {
  'DomainDNSError-1': () => running.control('events', { event: 'DomainDNSError' }),
  'MessageBounced-1': () => send('bounce@y.rcpt.test', ['X-Postal-Tag: bouncetag']),
  'MessageDelayed-1': () => send('nowhere', ['X-Postal-Tag: t1']),
  'MessageDelayed-2': () => send('notanaddress'),
  'MessageDeliveryFailed-1': () => send(''),
  'MessageDeliveryFailed-2': () => send('hardfail+1@x.rcpt.test'),
  'MessageHeld-1': () => send('held@x.rcpt.test'),
  'MessageHeld-2': () => send('held+2@x.rcpt.test'),
  'MessageLinkClicked-1': () => visit((html) => /href='([^']+)'/.exec(html)?.[1]),
  'MessageLoaded-1': () => visit((html) => /src='([^']+)'/.exec(html)?.[1]),
  'MessageLoaded-2': () => visit((html) => /src='([^']+)'/.exec(html)?.[1]),
  'MessageSent-1': () => send('alice@a.rcpt.test', ['X-Postal-Tag: t1']),
  'MessageSent-2': () => send('bob@b.rcpt.test'),
  'MessageSent-incoming': () => running.control('events', { event: 'IncomingMessage' }),
  'SendLimitApproaching-1': () => running.control('events', { event: 'SendLimitApproaching' }),
  'SendLimitExceeded-1': () => running.control('events', { event: 'SendLimitExceeded' }),
};

async function bringAbout(name: string): Promise<Received> {
  const before = receiver.received.length;
  const event = name.replace(/-.*$/, '');
  await occasions[name]?.();
  return receiver.next(
    (received) => received.event === event && receiver.received.indexOf(received) >= before,
  );
}

function send(rcptTo: string, fields: readonly string[] = []) {
  const subject = 'raw test <b>&\'"';
  const body = '<html><body><a href="https://example.com/a?b=1">a</a></body></html>';
  const message = htmlMail(fields, body).replace('Subject: Hello', `Subject: ${subject}`);
  return running.sendOne(rcptTo, { message });
}

async function visit(urlIn: (html: string) => string | undefined) {
  const { id } = await send('loader@y.rcpt.test', ['X-Postal-Tag: opens']);
  await running.postal.idle();
  const url = urlIn(running.postal.delivered(id)?.toString() ?? '') ?? '';
  const headers = {
    'x-postal-track-host': '1',
    'user-agent': 'Mozilla/5.0 (test)',
    'x-forwarded-for': '203.0.113.7',
  };
  return askSurely(running.postal.url, { path: new URL(url).pathname, headers });
}

function headerNames(rawHeaders: readonly string[]): string[] {
  return rawHeaders.filter((_, at) => at % 2 === 0);
}

function asReceived({ headers, body }: RecordedWebhook): Pick<Received, 'headers' | 'body'> {
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  return { headers: Object.fromEntries(lower), body };
}

/** Headers without those that follow from key, body and place. */
function lastingOf({ headers, body }: Pick<Received, 'headers' | 'body'>) {
  const { host, 'content-length': length, ...rest } = headers;
  const kept = Object.entries(rest).filter(([name]) => !name.startsWith('x-postal-signature'));
  const isExact = Number(length) === body.length;
  return { ...Object.fromEntries(kept), host: String(host).replace(/:\d+$/, ''), isExact };
}

function wordsOf({ details, status, output }: { details: string; status: string; output: string }) {
  return { details, status, output };
}
