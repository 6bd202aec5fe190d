import { describe, expect, it } from 'vitest';

import {
  readSuppression,
  readSuppressionList,
  suppressionListHeader,
  suppressionRecord,
} from '../../src/domain/suppression-list.ts';

describe('a suppression list', () => {
  it('is read with or without column names, and needs nothing but addresses', () => {
    const ann = { address: 'ann@x.test', scope: '', reason: 'manual', evidence: '', expiresAt: undefined };

    expect(readSuppressionList('Ann@x.test')).toEqual({ ok: true, suppressions: [ann] });
    expect(readSuppressionList('reason,Address\r\nbounce,ann@x.test\r\n')).toEqual({
      ok: true,
      suppressions: [{ ...ann, reason: 'bounce' }],
    });
    expect(readSuppressionList('')).toEqual({ ok: true, suppressions: [] });
  });

  it('comes back as it was written, also an address that a spreadsheet would take for a formula', () => {
    const one = {
      address: '+ann@x.test',
      scope: 'news, weekly',
      reason: 'complaint',
      evidence: 'said "no"\r\ntwice',
      expiresAt: new Date('2027-01-01T00:00:00Z'),
    } as const;

    expect(readSuppressionList(suppressionListHeader + suppressionRecord(one))).toEqual({
      ok: true,
      suppressions: [one],
    });
  });

  it.each([
    ['a@x.test\nnobody', 2, /^address is no mail address$/],
    ['address,reason\na@x.test,dislike', 2, /^reason must be one of bounce/],
    ['address,colour\na@x.test,red', 1, /^the column names must be among address, scope/],
    ['a@x.test,,,,2026-02-30T00:00:00Z', 1, /^expires_at is no time/],
    ['a@x.test,,,said no, twice,', 1, /^expires_at/],
    ['a@x.test,,,,,extra', 1, /^has more than 5 fields$/],
    [`a@x.test,${'s'.repeat(256)}`, 1, /^scope is longer than 255 characters$/],
    ['a@x.test,"two\nlines"', 1, /^scope holds a control character$/],
  ])('is refused whole as %j', (text, record, why) => {
    expect(readSuppressionList(text)).toEqual({ ok: false, record, why: expect.stringMatching(why) });
  });

  it('names the field of a single suppression that is wrong', () => {
    const address = 'a@x.test';
    expect(readSuppression({})).toMatchObject({ ok: false, field: 'address' });
    expect(readSuppression({ address, evidence: '\u0000' })).toMatchObject({ ok: false, field: 'evidence' });
    expect(readSuppression({ address, evidence: 'e'.repeat(1001) })).toMatchObject({ field: 'evidence' });
  });
});
