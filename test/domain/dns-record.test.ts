import { describe, expect, it } from 'vitest';

import { asZoneLine, type DnsRecord, isPublished } from '../../src/domain/dns-record.ts';

const spf: DnsRecord = {
  type: 'TXT',
  name: 'acme.test',
  value: 'v=spf1 a mx include:spf.postal.acme.test ~all',
  holds: 'include:spf.postal.acme.test',
  why: '',
};
const dkim: DnsRecord = { type: 'TXT', name: 'k', value: 'v=DKIM1; t=s; h=sha256; p=abc;', why: '' };
const verification: DnsRecord = { type: 'TXT', name: 'acme.test', value: 'postal-verification x', why: '' };

describe('a published record', () => {
  it.each<[string, DnsRecord, string[], boolean]>([
    [
      'an SPF record with other mechanisms beside ours',
      spf,
      ['v=spf1 include:a.test include:spf.postal.acme.test -all'],
      true,
    ],
    [
      'an SPF record of a host whose name only begins like ours',
      spf,
      ['v=spf1 include:spf.postal.acme.test.evil.test -all'],
      false,
    ],
    ['two SPF records, which receivers take for an error', spf, [spf.value, 'v=spf1 -all'], false],
    ['other texts beside SPF', spf, ['google-site-verification=1', spf.value], true],
    ['a DKIM key without the last semicolon', dkim, ['v=DKIM1; t=s; h=sha256; p=abc'], true],
    ['another DKIM key', dkim, ['v=DKIM1; t=s; h=sha256; p=abd;'], false],
    ['a verification among other texts', verification, ['v=spf1 -all', 'postal-verification x'], true],
    ['nothing', dkim, [], false],
    [
      'an alias in other letters and with a dot',
      { type: 'CNAME', name: 'c', value: 'track.acme.test', why: '' },
      ['Track.ACME.test.'],
      true,
    ],
    [
      'an MX among others',
      { type: 'MX', name: 'm', value: '10 mx.acme.test', why: '' },
      ['20 b.test', '10 mx.acme.test'],
      true,
    ],
    [
      'an MX of another priority',
      { type: 'MX', name: 'm', value: '10 mx.acme.test', why: '' },
      ['20 mx.acme.test'],
      false,
    ],
  ])('is told from others: %s', (_, record, seen, ok) => {
    expect(isPublished(record, seen)).toBe(ok);
  });
});

describe('a line of a zone file', () => {
  it('ends names with a dot, and cuts long texts into strings of 255 octets', () => {
    expect(asZoneLine({ type: 'CNAME', name: 'click.acme.test', value: 'track.acme.test', why: '' })).toBe(
      'click.acme.test. IN CNAME track.acme.test.',
    );
    const line = asZoneLine({ ...dkim, value: `p="${'k'.repeat(300)}` });
    expect(line).toMatch(/^k\. IN TXT "p=\\"k{252}" "k{48}"$/);
  });
});
