import { describe, expect, it } from 'vitest';

import { readBounceReport } from '../../src/domain/delivery-report.ts';

/** A report as Postfix writes it; `blocks` are the recipients in its delivery-status. */
function reportOf(...blocks: readonly (readonly string[])[]): Buffer {
  const lines = [
    'From: MAILER-DAEMON@mx.example.test',
    'Content-Type: multipart/report; report-type=delivery-status;',
    '\tboundary="A.B/c=1"',
    '',
    'preamble 550 5.7.1 that nobody reads',
    '--A.B/c=1',
    'Content-Type: text/plain',
    '',
    'I am sorry to say 550 5.2.2 nothing',
    '--A.B/c=1',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mx.example.test',
    ...blocks.flatMap((block) => ['', ...block]),
    '',
    '--A.B/c=1--',
  ];
  return Buffer.from(lines.join('\r\n'));
}

const unknown = [
  'Final-Recipient: rfc822; Ann@Example.test',
  'Action: failed',
  'Status: 5.1.1',
  'Diagnostic-Code: smtp; 550 5.1.1 <ann@example.test>:',
  '  user unknown',
];
const full = ['Final-Recipient: rfc822;bob@example.test', 'Action: failed', 'Status: 5.2.2'];

describe('a report of a bounce', () => {
  it('is read by the block of the recipient', () => {
    const raw = reportOf(full, unknown);
    expect(readBounceReport(raw, 'ann@example.test')).toEqual({
      class: 'address',
      code: '5.1.1',
      words: '550 5.1.1 <ann@example.test>: user unknown',
    });
    expect(readBounceReport(raw, 'bob@example.test')).toMatchObject({ class: 'mailbox', code: '5.2.2' });
  });

  it('is read by its only block, also where the address was rewritten on the way', () => {
    expect(readBounceReport(reportOf(unknown), 'alias@elsewhere.test').class).toBe('address');
    expect(readBounceReport(reportOf(unknown, full), 'alias@elsewhere.test').class).not.toBe('address');
  });

  it('takes the code of the server behind a gateway that gives none of its own', () => {
    const block = [
      'Final-Recipient: rfc822; a@b.test',
      'Action: failed',
      'Status: 5.0.0',
      'Diagnostic-Code: smtp; 550 5.1.1 unknown user',
    ];
    expect(readBounceReport(reportOf(block), 'a@b.test')).toMatchObject({ class: 'address', code: '5.1.1' });
  });

  it('of a block of our address silences nobody', () => {
    const block = [
      'Final-Recipient: rfc822; a@b.test',
      'Action: failed',
      'Status: 5.1.1',
      'Diagnostic-Code: smtp; 550 5.7.1 blocked, see https://spamhaus.org',
    ];
    expect(readBounceReport(reportOf(block), 'a@b.test').class).toBe('policy');
  });

  it('that says it is only late is no failure', () => {
    const late = ['Final-Recipient: rfc822; a@b.test', 'Action: delayed', 'Status: 5.1.1'];
    expect(readBounceReport(reportOf(late), 'a@b.test').class).toBe('delay');
  });

  it.each([
    [
      'base64',
      Buffer.from(
        'Reporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; a@b.test\r\nStatus: 5.1.1\r\n',
      ).toString('base64'),
    ],
    [
      'quoted-printable',
      'Reporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; a=40b.test\r\nStat=\r\nus: 5.1.1\r\n',
    ],
  ])('is read through %s', (encoding, body) => {
    const raw = Buffer.from(
      `Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\nContent-Type: message/delivery-status\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${body}\r\n--x--\r\n`,
    );
    expect(readBounceReport(raw, 'a@b.test')).toMatchObject({ class: 'address', code: '5.1.1' });
  });

  it('in plain words is read by them, with the line ends of Unix too', () => {
    const raw =
      'Subject: failure notice\n\nHi. This is the qmail-send program.\n\n<a@b.test>:\n192.0.2.1 failed: 550 5.1.1 no such user\n';
    expect(readBounceReport(Buffer.from(raw), 'a@b.test')).toMatchObject({ class: 'address', code: '5.1.1' });
  });

  it.each([
    '',
    '\r\n',
    'Content-Type: multipart/report; boundary=',
    '\u0000'.repeat(100),
    'Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n'.repeat(500),
  ])('that is broken tells nothing, and breaks nothing (%#)', (raw) => {
    expect(readBounceReport(Buffer.from(raw), 'a@b.test').class).toBe('other');
  });
});
