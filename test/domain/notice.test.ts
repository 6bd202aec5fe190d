import { expect, it } from 'vitest';

import { headerValue, readHeaderSection } from '../../src/domain/header-section.ts';
import { noticeMail } from '../../src/domain/notice.ts';

const letterhead = {
  id: 'msg_1',
  at: new Date('2026-11-27T12:00:00Z'),
  from: 'mailctl@example.com',
  to: 'ops@example.com',
} as const;

it('writes a notice as a message that robots leave alone', () => {
  const octets = noticeMail({ subject: 'Gone', lines: ['One.', 'Two.'] }, letterhead);
  const fields = readHeaderSection(octets);
  expect(fields.map(({ name, value }) => [name, value])).toEqual([
    ['from', 'mailctl <mailctl@example.com>'],
    ['to', '<ops@example.com>'],
    ['subject', 'Gone'],
    ['date', 'Fri, 27 Nov 2026 12:00:00 +0000'],
    ['message-id', '<msg_1@example.com>'],
    ['auto-submitted', 'auto-generated'],
    ['mime-version', '1.0'],
    ['content-type', 'text/plain; charset=us-ascii'],
  ]);
  expect(octets.toString().endsWith('\r\n\r\nOne.\r\nTwo.\r\n')).toBe(true);
});

it('lets no text of others into the header or onto a line of its own', () => {
  const octets = noticeMail({ subject: 'a\r\nBcc: x@y.test', lines: ['a\nb', 'é'] }, letterhead);
  expect(headerValue(readHeaderSection(octets), 'bcc')).toBeUndefined();
  expect(octets.toString().endsWith('\r\n\r\na?b\r\n?\r\n')).toBe(true);
});
