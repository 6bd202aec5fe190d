import { describe, expect, it } from 'vitest';

import { complainedCopy } from '../../src/domain/complaint.ts';
import { readFeedbackReport } from '../../src/domain/feedback-report.ts';

const report = [
  'From: <abusedesk@example.com>',
  'MIME-Version: 1.0',
  'Content-Type: multipart/report; report-type=feedback-report; boundary="part1"',
  '',
  '--part1',
  'Content-Type: text/plain',
  '',
  'This is an email abuse report.',
  '--part1',
  'Content-Type: message/feedback-report',
  '',
  'Feedback-Type: Abuse',
  'User-Agent: SomeGenerator/1.0',
  'Version: 1',
  'Original-Rcpt-To: <Ann@Example.test>',
  'Removal-Recipient: ann@example.test',
  '',
  '--part1',
  'Content-Type: message/rfc822',
  '',
  'X-Postal-MsgID: cNlaCj41MUINRJs9',
  'Message-ID: <m1@acme.test>',
  'Subject: Hello',
  '',
  'Body',
  '--part1--',
  '',
].join('\r\n');

describe('a complaint', () => {
  it('is read with what it says of the message (RFC 5965)', () => {
    expect(readFeedbackReport(Buffer.from(report))).toEqual({
      kind: 'abuse',
      userAgent: 'SomeGenerator/1.0',
      recipients: ['ann@example.test'],
      messageId: 'm1@acme.test',
      postalToken: 'cNlaCj41MUINRJs9',
    });
  });

  it('is read where only the header of the message came back', () => {
    const raw = Buffer.from(report.replace('message/rfc822', 'text/rfc822-headers'));
    expect(readFeedbackReport(raw)).toMatchObject({ postalToken: 'cNlaCj41MUINRJs9' });
  });

  it('is none without a feedback report', () => {
    expect(
      readFeedbackReport(Buffer.from('Subject: stop it!\r\n\r\nFeedback-Type: abuse\r\n')),
    ).toBeUndefined();
  });
});

describe('whom a complaint is about', () => {
  const copy = (address: string, postalToken: string | null = null) => ({
    messageId: 'msg_1',
    address,
    postalToken,
  });

  it('is told by the token of the copy, before anything else', () => {
    const copies = [copy('ann@example.test', 'one'), copy('bob@example.test', 'two')];
    expect(complainedCopy({ postalToken: 'two', recipients: ['ann@example.test'] }, copies)?.address).toBe(
      'bob@example.test',
    );
  });

  it('is told by the recipient that it names, or where there is but one', () => {
    const copies = [copy('Ann@example.test'), copy('bob@example.test')];
    const named = { postalToken: undefined, recipients: ['ann@example.test'] };
    expect(complainedCopy(named, copies)?.address).toBe('Ann@example.test');
    expect(complainedCopy({ postalToken: undefined, recipients: [] }, copies.slice(1))?.address).toBe(
      'bob@example.test',
    );
  });

  it('is nobody where it could be one of several', () => {
    const copies = [copy('ann@example.test'), copy('bob@example.test')];
    expect(
      complainedCopy({ postalToken: 'three', recipients: ['eve@example.test'] }, copies),
    ).toBeUndefined();
    expect(complainedCopy({ postalToken: undefined, recipients: [] }, [])).toBeUndefined();
  });
});
