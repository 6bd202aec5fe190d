import { describe, expect, it } from 'vitest';

import { prepareMessage, type Reception } from '../../../src/services/relay/prepare.ts';
import { replyText } from '../../../src/services/relay/replies.ts';

const reception = {
  id: 'msg_1',
  at: new Date('2026-01-02T03:04:05Z'),
  hostname: 'relay.example.com',
  secure: true,
  client: { name: 'app.example.com', address: '192.0.2.7' },
  senderDomains: ['example.com', 'example.net'],
  maxHeaderBytes: 2_000,
};
const trace =
  'Received: from app.example.com ([192.0.2.7])\r\n\tby relay.example.com (mailctl) with ESMTPSA id msg_1;\r\n\tFri, 02 Jan 2026 03:04:05 +0000\r\n';
const full = 'From: ann@example.com\r\nDate: today\r\nMessage-ID: <1@example.com>\r\n';

/** The message as it goes on, or the reply that refuses it. */
function prepare(message: string, more: Partial<Reception> = {}): string {
  const octets = Buffer.from(message);
  const prepared = prepareMessage(octets, { ...reception, ...more });
  if (!prepared.ok) return replyText(prepared.said);
  return Buffer.concat([prepared.top, octets.subarray(prepared.from)]).toString();
}

describe('preparing a message', () => {
  it('adds a trace that names the client and its address', () => {
    expect(prepare(`${full}\r\nHello\r\n`)).toBe(`${trace}${full}\r\nHello\r\n`);
    expect(prepare(`${full}\r\n`, { secure: false })).toContain(' with ESMTPA id msg_1;');
  });

  it.each([
    ['[192.0.2.7]', '192.0.2.7', 'from [192.0.2.7] ([192.0.2.7])'],
    ['app', '2001:db8::7', 'from app ([IPv6:2001:db8::7])'],
    ['a);by=evil', '192.0.2.7', 'from [192.0.2.7]\r\n'],
    ['<ann@example.com>', '192.0.2.7', 'from [192.0.2.7]\r\n'],
  ])('traces a client that calls itself %s and comes from %s', (name, address, expected) => {
    const sent = prepare(`${full}\r\n`, { client: { name, address } });
    expect(sent.startsWith(`Received: ${expected}`)).toBe(true);
    expect(sent).toContain('\tby relay.example.com (mailctl)');
  });

  it('adds a trace that hides the client where the operator wants that', () => {
    expect(prepare(`${full}\r\n`, { client: undefined })).toMatch(
      /^Received: by relay\.example\.com \(mailctl\) with ESMTPSA id msg_1;\r\n\tFri, 02 Jan 2026/,
    );
  });

  it('adds Message-ID and Date where they are missing or empty', () => {
    const added = 'Message-ID: <msg_1@relay.example.com>\r\nDate: Fri, 02 Jan 2026 03:04:05 +0000\r\n';

    expect(prepare('From: ann@example.com\r\n\r\nHello\r\n')).toBe(
      `${trace}${added}From: ann@example.com\r\n\r\nHello\r\n`,
    );
    expect(prepare('Message-ID:\r\nFrom: ann@example.com\r\nDate: \r\n\r\n')).toBe(
      `${trace}${added}From: ann@example.com\r\n\r\n`,
    );
  });

  it('removes what nobody else may read, or only the platform may say', () => {
    const secret =
      'Bcc: eve@example.org,\r\n dan@example.org\r\nX-Postal-Tag: x\r\nx-postal-anything: y\r\nX-Idempotency-Key: k\r\nResent-Bcc: x@y.example\r\n';

    expect(
      prepare(`X-One: 1\r\n${secret}${full}bcc: again@example.org\r\nX-Two: 2\r\n\r\nBcc: body\r\n`),
    ).toBe(`${trace}X-One: 1\r\n${full}X-Two: 2\r\n\r\nBcc: body\r\n`);
  });

  it('hands the tag on under the name that Postal reads it by', () => {
    expect(prepare(`X-Mailctl-Tag: spring\r\n${full}\r\n`)).toBe(
      `${trace}X-Postal-Tag: spring\r\n${full}\r\n`,
    );
    expect(prepare(`X-Mailctl-Tag: ${'x'.repeat(256)}\r\n${full}\r\n`)).toContain(
      'x-mailctl-tag is longer than 255',
    );
    expect(prepare(`X-Mailctl-Tag: a\r\nX-Mailctl-Tag: b\r\n${full}\r\n`)).toContain(
      'more than one x-mailctl-tag',
    );
  });

  it('keeps the priority for the api, and refuses one that is none or said twice', () => {
    expect(prepare(`X-Mailctl-Priority: High\r\n${full}\r\n`)).toBe(
      `${trace}X-Mailctl-Priority: High\r\n${full}\r\n`,
    );
    expect(prepare(`X-Mailctl-Priority: urgent\r\n${full}\r\n`)).toContain('must be high, normal, low');
    expect(prepare(`X-Mailctl-Priority: low\r\nX-Mailctl-Priority: high\r\n${full}\r\n`)).toContain(
      'more than one x-mailctl-priority',
    );
  });

  it('leaves every other octet as it was', () => {
    const odd = `${full}Subject:  =?utf-8?q?x?=\r\n\tfolded \r\nX-Odd:\r\n\r\n\r\n\r\n \xff\r\n`;

    expect(prepare(odd)).toBe(trace + odd);
  });

  it('works without a body, and without even an empty line', () => {
    expect(prepare(full)).toBe(trace + full);
    expect(prepare(`${full}\r\n`)).toBe(`${trace}${full}\r\n`);
  });

  it.each([
    ['From: ann@example.com, "Bob" <bob@example.net>', undefined],
    ['From: =?utf-8?q?J=C3=B6rg?= (the boss) <joerg@EXAMPLE.com>', undefined],
    ['From: "eve@example.org" <ann@example.com>', undefined],
    ['From: eve@example.org <ann@example.com>', undefined],
    ['From: Team: ann@example.com, bob@example.net;', undefined],
    ['From: ann@example.com\r\nSender: robot@example.net', undefined],
    ['From: ann@example.com, eve@example.org', 'example.org is not'],
    ['From: ann@sub.example.com', 'sub.example.com is not'],
    ['From: ann@example.com.evil.org', 'example.com.evil.org is not'],
    ['From: ann@example.com\r\nSender: eve@example.org', 'example.org is not'],
    ['From: "a" <ann@example.com> <eve@example.org>', 'From: must hold an address'],
    ['From: ann@example.com <eve@example.org', 'From: must hold an address'],
    ['From: "ann@example.com', 'From: must hold an address'],
    ['From: ann@example.com)', 'From: must hold an address'],
    ['From: ann@example.com) (', 'From: must hold an address'],
    ['From: jörg@example.com', 'From: must hold an address'],
    ['From: undisclosed:;', 'From: must hold an address'],
    ['From:', 'From: must hold an address'],
    ['Subject: nobody', 'From: must hold an address'],
    ['From: ann@example.com\r\nSender: nobody', 'Sender: must be an address'],
    ['From: ann@example.com\r\nfrom: ann@example.com', 'more than one from field'],
    ['From: ann@example.com\r\nMessage-ID: <a@b>\r\nMessage-ID: <c@d>', 'more than one message-id field'],
    ['From : ann@example.com', 'a line that is no header field'],
    ['From: ann@example.com\r\nno colon here', 'a line that is no header field'],
    [' folded: first\r\nFrom: ann@example.com', 'a line that is no header field'],
  ])('decides on %j', (header, refusal) => {
    const answer = prepare(`${header}\r\n\r\nHello\r\n`);

    expect(answer).toContain(refusal ?? header);
  });

  it('refuses an endless header, and names that are longer than Postal stores', () => {
    const many = 'X-Many: 1\r\n'.repeat(200);
    const long = 'x'.repeat(256);

    expect(prepare(`${full}${many}\r\n`)).toBe(
      '552 5.3.4 Message header exceeds the limit of 2000 octets\r\n',
    );
    expect(prepare(`From: ann@example.com\r\nMessage-ID: ${long}\r\n\r\n`)).toContain('message-id is longer');
    expect(prepare(`${full}X-Idempotency-Key: ${long}\r\n\r\n`)).toContain('x-idempotency-key is longer');
  });

  it('lets a credential without domains write from any', () => {
    expect(prepare('From: eve@example.org\r\n\r\n', { senderDomains: [] })).toContain('eve@example.org');
  });
});
