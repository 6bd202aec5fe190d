import { expect, it } from 'vitest';

import { expiryNotice } from '../../src/domain/key-expiry.ts';

const now = new Date('2026-11-27T12:00:00Z');
const day = 86_400_000;

it.each([
  [31, undefined],
  [30, '30d'],
  [8, '30d'],
  [7, '7d'],
  [1, '1d'],
  [0, 'expired'],
  [-30, 'expired'],
  [-31, undefined],
])('a key that ends in %s days is due the notice %s', (days, notice) => {
  expect(expiryNotice(new Date(now.getTime() + days * day), now)).toBe(notice);
});

it.each([
  [30, 1, undefined],
  [7, 1, '30d'],
  [1, 1, '7d'],
  [0, 1, '1d'],
  [-30, -1, undefined],
])('a notice begins to the millisecond: %s days and %s ms', (days, ms, notice) => {
  expect(expiryNotice(new Date(now.getTime() + days * day + ms), now)).toBe(notice);
});

it('a key without an end is due none', () => {
  expect(expiryNotice(undefined, now)).toBeUndefined();
});
