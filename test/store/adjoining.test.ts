import { describe, expect, it } from 'vitest';

import { oneBehindAnother } from '../../src/store/adjoining.ts';

/** What the database cuts out. */
function cut(parts: readonly Uint8Array[]): readonly string[] {
  const { octets, starts } = oneBehindAnother(parts);
  return parts.map(({ length }, place) => {
    const start = starts[place] ?? Number.NaN;
    return Buffer.from(octets.subarray(start, start + length)).toString('latin1');
  });
}

const request = Buffer.alloc(20_000, 'head of a frame, then its body; ');
const body = (from: number, to: number) => request.subarray(from, to);

describe('the bodies of a batch', () => {
  it.each([
    ['of one request', [body(100, 9_000), body(9_100, 20_000)]],
    ['of one request, in another order', [body(9_100, 20_000), body(100, 9_000)]],
    ['of one request, of which most is not wanted', [body(0, 1_000), body(19_000, 20_000)]],
    ['from different places', [Buffer.alloc(10_000, 'a'), body(50, 9_000)]],
    ['that are small', [Buffer.from('one'), Buffer.from('another')]],
    ['that are empty', [body(7, 7), Buffer.alloc(0)]],
  ])('%s are all where they are said to be', (_, parts) => {
    expect(cut(parts)).toEqual(parts.map((part) => Buffer.from(part).toString('latin1')));
  });

  it('that came in one request are not copied', () => {
    const { octets } = oneBehindAnother([body(100, 9_000), body(9_100, 20_000)]);
    expect(octets.buffer).toBe(request.buffer);
    expect(octets).toHaveLength(19_900);
  });

  it('take nothing with them that is not of the batch', () => {
    expect(oneBehindAnother([Buffer.from('one'), Buffer.from('another')]).octets).toHaveLength(10);
    expect(oneBehindAnother([body(0, 1_000), body(19_000, 20_000)]).octets).toHaveLength(2_000);
    expect(oneBehindAnother([]).octets).toHaveLength(0);
  });
});
