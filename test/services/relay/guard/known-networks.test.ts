import { expect, it } from 'vitest';

import { readKnown, writeKnown } from '../../../../src/services/relay/guard/known-networks.ts';

const now = new Date('2026-03-01T12:00:00Z');
const known = [
  { attempt: { username: 'ann', address: '192.0.2.77' }, leftMs: 1000 },
  { attempt: { username: 'bob', address: '2001:db8:0:7::1' }, leftMs: 5000 },
];

it('keeps the network, not the address, and counts down while nobody runs', () => {
  const text = writeKnown(known, now);
  expect(text).not.toContain('192.0.2.77');
  expect(readKnown(text, new Date(now.getTime() + 2000))).toEqual([
    { attempt: { username: 'bob', address: '2001:db8:0:7::' }, leftMs: 3000 },
  ]);
});

it('takes what is no such file for an empty one', () => {
  for (const text of [undefined, '', '{', '{}', '[{"username":"ann"}]']) {
    expect(readKnown(text, now)).toEqual([]);
  }
});
