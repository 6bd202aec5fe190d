import { describe, expect, it } from 'vitest';

import { readAddresses } from '../../../src/adapters/mime.ts';
import { newId } from '../../../src/domain/id.ts';
import { finishRawMessage } from '../../../src/services/api/raw-message.ts';

const now = new Date('2026-03-01T12:00:00Z');
const id = newId('msg', now, Buffer.alloc(10));
const mime = { readAddresses, composeMessage: async () => Buffer.alloc(0) };

function finish(text: string, envelope: { mailFrom?: string; rcptTo?: string } = {}) {
  const message = { octets: Buffer.from(text), mailFrom: envelope.mailFrom, rcptTo: envelope.rcptTo };
  const finished = finishRawMessage(message, mime, { id, now });
  return { envelope: finished.envelope, text: Buffer.from(finished.raw).toString() };
}

describe('a raw message', () => {
  it('that lacks nothing stays as it is, octet by octet', () => {
    const text = 'From: a@b.test\r\nTo: c@d.test\r\nMessage-ID: <x@b>\r\nDate: now\r\n\r\n.\r\n..\r\nbody';
    expect(finish(text).text).toBe(text);
  });

  it('gets Message-ID and Date where they are missing', () => {
    expect(finish('From: A <a@b.test>\r\nTo: c@d.test\r\n\r\nbody').text).toBe(
      `Message-ID: <${id}@b.test>\r\nDate: Sun, 01 Mar 2026 12:00:00 +0000\r\nFrom: A <a@b.test>\r\nTo: c@d.test\r\n\r\nbody`,
    );
  });

  it('loses blind recipients and orders to Postal, but not its tag', () => {
    const { text, envelope } = finish(
      'From: a@b.test\r\nBcc: eve@d.test,\r\n bob@d.test\r\nX-Postal-Bounce: 1\r\nX-Postal-Tag: t\r\nTo: c@d.test\r\n\r\n',
    );
    expect(text).not.toMatch(/eve|bob|bounce/i);
    expect(text).toContain('X-Postal-Tag: t\r\n');
    expect(envelope.rcptTo).toEqual(['eve@d.test', 'bob@d.test', 'c@d.test']);
  });

  it('has line ends of CRLF, wherever it came from', () => {
    expect(finish('From: a@b.test\nTo: c@d.test\nMessage-ID: <x>\nDate: x\n\none\rtwo\r\nthree\n').text).toBe(
      'From: a@b.test\r\nTo: c@d.test\r\nMessage-ID: <x>\r\nDate: x\r\n\r\none\r\ntwo\r\nthree\r\n',
    );
  });

  it('goes where the envelope says, whatever its header names', () => {
    const { envelope } = finish('From: a@b.test\r\nTo: c@d.test\r\n\r\n', {
      mailFrom: 'bounce@b.test',
      rcptTo: 'x@y.test, z@y.test',
    });
    expect(envelope).toEqual({ mailFrom: 'bounce@b.test', rcptTo: ['x@y.test', 'z@y.test'] });
  });

  it('may have the null reverse-path', () => {
    expect(finish('From: a@b.test\r\nTo: c@d.test\r\n\r\n', { mailFrom: '' }).envelope.mailFrom).toBe('');
  });

  it.each([
    ['no From', 'To: c@d.test\r\n\r\n', {}, 'no From field'],
    ['a From that is none', 'From: \r\nTo: c@d.test\r\n\r\n', {}, 'no From field'],
    [
      'a priority that is none',
      'From: a@b.test\r\nTo: c@d.test\r\nX-Mailctl-Priority: 1\r\n\r\n',
      {},
      'X-Mailctl-Priority must be high, normal, low',
    ],
    ['a recipient that is none', 'From: a@b.test\r\nTo: c@d.test, nobody\r\n\r\n', {}, 'A recipient'],
    ['a sender that is none', 'From: a@b.test\r\nTo: c@d.test\r\n\r\n', { mailFrom: 'x' }, 'Mail-From'],
  ])('with %s is refused', (_, text, envelope, why) => {
    expect(() => finish(text, envelope)).toThrow(why);
  });
});
