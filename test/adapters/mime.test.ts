import { describe, expect, it } from 'vitest';

import { composeMessage, type Draft, readAddresses } from '../../src/adapters/mime.ts';

const draft: Draft = {
  from: { name: 'Müller, "A"', address: 'a@acme.test' },
  replyTo: [],
  to: [{ name: '', address: 'ann@example.com' }],
  cc: [],
  subject: 'Grüße',
  text: 'one\ntwo',
  html: undefined,
  attachments: [],
  headers: { 'X-Campaign': 'spring' },
  messageId: '<id@acme.test>',
  date: new Date('2026-03-01T12:00:00Z'),
};

async function compose(changes: Partial<Draft> = {}): Promise<string> {
  return Buffer.from(await composeMessage({ ...draft, ...changes })).toString('latin1');
}

describe('a composed message', () => {
  it('has the fields it was given, and CRLF line ends only', async () => {
    const text = await compose();
    expect(text).toContain('Message-ID: <id@acme.test>\r\n');
    expect(text).toContain('Date: Sun, 01 Mar 2026 12:00:00 +0000\r\n');
    expect(text).toContain('X-Campaign: spring\r\n');
    expect(text).toContain('To: ann@example.com\r\n');
    expect(text).toMatch(/Subject: =\?UTF-8\?Q\?Gr=C3=BC=C3=9Fe\?=\r\n/);
    expect(text).not.toMatch(/[^\r]\n|\r[^\n]/);
    expect(text).not.toMatch(/X-Mailer|nodemailer/i);
  });

  it('carries text, html, attachments and embedded images', async () => {
    const text = await compose({
      html: '<img src="cid:logo">',
      attachments: [
        {
          filename: 'Rechnung ü.pdf',
          content: Buffer.from('pdf'),
          contentType: 'application/pdf',
          contentId: undefined,
        },
        { filename: 'logo.png', content: Buffer.from('png'), contentType: undefined, contentId: 'logo' },
      ],
    });
    expect(text).toContain('Content-Type: multipart/mixed');
    expect(text).toContain('Content-Type: multipart/related');
    expect(text).toContain('Content-ID: <logo>');
    expect(text).toContain(Buffer.from('pdf').toString('base64'));
    expect(text).toMatch(/filename\*0\*=utf-8''Rechnung%20%C3%BC\.pdf/);
  });

  it('keeps every line within 998 octets', async () => {
    const text = await compose({ html: `<p>${'x'.repeat(5000)}</p>`, text: 'y'.repeat(5000) });
    expect(Math.max(...text.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(998);
  });
});

describe('addresses in a header', () => {
  it('are read with their groups opened', () => {
    expect(readAddresses('A <a@b.test>, "x, y" <c@d.test>, team: e@f.test;')).toEqual([
      'a@b.test',
      'c@d.test',
      'e@f.test',
    ]);
  });

  it('are given as written when they are none, so that none is passed over', () => {
    expect(readAddresses('a@b.test, nobody')).toEqual(['a@b.test', 'nobody']);
    expect(readAddresses('undisclosed-recipients:;')).toEqual([]);
  });
});
