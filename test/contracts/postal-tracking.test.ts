import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { ask, askSurely } from '../postal-stand-in/http-client.ts';
import { type Exchange, recordedExchanges, recordedFile } from './postal-fixtures.ts';
import { lastingHeaders } from './postal-shape.ts';
import { deliverRaw, openTarget, type PostalTarget } from './postal-target.ts';

const recorded = {
  server: 'nxdtic',
  message: 'QKJiYwNjdBZjIJAt',
  html: '6JPp4zaMqHjvhz65',
  text: 'x2aySoduxrNNQSj0',
};
const recipient = 'loader@y.rcpt.test';

let target: PostalTarget;
let tokens: typeof recorded;
let delivered: string;

beforeAll(async () => {
  target = await openTarget();
  if (!target.delivered) return;
  const { id, token } = await deliverRaw(target, recipient, originalMail());
  delivered = (await target.delivered(id)).toString('latin1');
  tokens = {
    server: target.serverToken,
    message: token,
    text: tokenAfter('see '),
    html: tokenAfter("<a href='"),
  };
});
afterAll(async () => target[Symbol.asyncDispose]());

/** A real Postal delivers out of our sight, and then the links of a message are not known here. */
const isReal = process.env['POSTAL_CONTRACT_URL'] !== undefined;

describe('the tracking site answers as it was recorded', () => {
  test
    .skipIf(isReal)
    .each(recordedExchanges('tracking').map((exchange) => [exchange.name, exchange] as const))(
    '%s',
    async (_, { request, response }) => {
      const answer = await askSurely(target.url, {
        method: request.method,
        path: retarget(request.path),
        headers: { ...request.headers, ...defaultHeaders(request), host: request.host },
      });
      expect(answer.status).toBe(response.status);
      const { connection: _own, 'keep-alive': _alive, ...headers } = lastingHeaders(answer.headers);
      expect(headers).toEqual(lastingHeaders(response.headers));
      expect(lengthOf(answer.text, answer.headers)).toBe(lengthOf(response.body, response.headers));
      expect(bodyShape(answer.text)).toBe(bodyShape(response.body));
    },
  );

  test('every recorded exchange is among them', () => {
    expect(recordedExchanges('tracking')).toHaveLength(13);
  });
});

describe('a tracked message', () => {
  test.skipIf(isReal)(
    'reaches the recipient octet for octet as it was recorded, but for tokens and signature',
    () => {
      expect(untokened(delivered, tokens)).toBe(untokened(recordedMail(), recorded));
    },
  );

  test.skipIf(isReal)('is signed over the same fields, with the signature laid out as recorded', () => {
    expect(layout(delivered)).toBe(layout(recordedMail()));
  });

  test.skipIf(isReal)('without a proxy in front, the API is what answers', async () => {
    const answer = await ask(target.url, {
      path: `/${target.serverToken}/${tokens.html}`,
      headers: { host: target.webHostname },
    });
    expect(answer).toMatchObject({ status: 404 });
  });
});

function recordedMail(): string {
  return recordedFile('tracking/delivered.eml').toString('latin1');
}

/** The recorded message as it must have been before Postal's fields, links and pixel. */
function originalMail(): Buffer {
  const original = recordedMail()
    .replace(/^[\s\S]*?\r\nX-Postal-MsgID: .*\r\n/, '')
    .replace(`http://click.acme.test/nxdtic/${recorded.text}`, 'https://example.com/a?b=1')
    .replace(`'http://click.acme.test/nxdtic/${recorded.html}'`, '"https://example.com/p?a=1&amp;b=2"')
    .replace('https://example.com/no', 'https+notrack://example.com/no')
    .replace(/<p class='ampimg'.*?<\/p>/, '');
  return Buffer.from(original, 'latin1');
}

function tokenAfter(prefix: string): string {
  const start = delivered.indexOf(`${prefix}http://click.acme.test/`) + prefix.length;
  return delivered.slice(start).split(/[/'\s]/)[4] ?? '';
}

function untokened(mail: string, { server, message, html, text }: typeof recorded): string {
  return mail
    .replace(/DKIM-Signature: (?:.*\r\n)(?:\t.*\r\n)*/, 'DKIM-Signature\r\n')
    .replaceAll(message, 'MESSAGE')
    .replaceAll(html, 'HTML-LINK')
    .replaceAll(text, 'TEXT-LINK')
    .replaceAll(server, 'SERVER');
}

function signatureOf(mail: string): string {
  return /DKIM-Signature: (?:.*\r\n)(?:\t.*\r\n)*/.exec(mail)?.[0] ?? '';
}

function retarget(path: string): string {
  return path
    .replace(recorded.server, tokens.server)
    .replace(recorded.message, tokens.message)
    .replace(recorded.html, tokens.html)
    .replace(recorded.text, tokens.text);
}

function defaultHeaders(request: Exchange['request']): Record<string, string> {
  return 'defaultHeaders' in request ? (request.defaultHeaders as Record<string, string>) : {};
}

/** Pages of html are the stand-in's own; every other body has the recorded length. */
function lengthOf(body: string, headers: Readonly<Record<string, unknown>>): unknown {
  return body.startsWith('<') ? 'ITS OWN' : (headers['content-length'] ?? headers['Content-Length']);
}

function bodyShape(body: string): string {
  if (body.startsWith('<')) return 'HTML';
  return body.includes('IHDR') ? 'PNG' : body;
}

function layout(mail: string): string {
  return signatureOf(mail)
    .replaceAll(/(?<=bh=|s=|t=)[^;]+/g, '…')
    .replace(/b=[\s\S]*/, '');
}
