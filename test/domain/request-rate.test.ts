import { expect, it } from 'vitest';

import { formatRequestRate, parseRequestRate, ratePolicyOf } from '../../src/domain/request-rate.ts';
import { takeOne } from '../../src/domain/rate-limit.ts';

it('reads and writes a rate as an operator does', () => {
  expect(parseRequestRate('100/m')).toEqual({ requests: 100, periodMs: 60_000 });
  expect(formatRequestRate({ requests: 100, periodMs: 60_000 })).toBe('100/1m');
  for (const text of ['', '100', '0/1m', '-1/1m', '1/0s', '1/'])
    expect(parseRequestRate(text)).toBeUndefined();
});

it('lets the whole rate be used at once, and grow back evenly', () => {
  const policy = ratePolicyOf({ requests: 2, periodMs: 1000 });
  const first = takeOne(policy, undefined, 0);
  const second = takeOne(policy, first.fullAtMs, 0);
  const third = takeOne(policy, second.fullAtMs, 0);
  expect([first, second, third].map(({ allowed }) => allowed)).toEqual([true, true, false]);
  expect(third.retryAfterMs).toBe(500);
});
