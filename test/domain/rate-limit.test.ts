import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { type RatePolicy, takeOne } from '../../src/domain/rate-limit.ts';

const policy: RatePolicy = { limit: 60, periodMs: 60_000, burst: 2 };

function takeAll(timesMs: readonly number[], by = policy): readonly boolean[] {
  let fullAtMs: number | undefined;
  return timesMs.map((nowMs) => {
    const decision = takeOne(by, fullAtMs, nowMs);
    fullAtMs = decision.fullAtMs;
    return decision.allowed;
  });
}

describe('the rate limit', () => {
  it('lets the burst and one more pass at once, then the steady rate', () => {
    expect(takeAll([0, 0, 0, 0, 999, 1000, 1000, 2000])).toEqual([
      true,
      true,
      true,
      false,
      false,
      true,
      false,
      true,
    ]);
  });

  it('lets exactly the burst and one more pass at once, whatever the clock shows', () => {
    const clocks = fc.double({ min: 0, max: 2e12, noNaN: true });
    const bounds = fc.record({
      limit: fc.integer({ min: 1, max: 1000 }),
      burst: fc.integer({ min: 0, max: 9 }),
    });
    fc.assert(
      fc.property(clocks, bounds, (nowMs, { limit, burst }) => {
        const answers = takeAll(Array<number>(burst + 2).fill(nowMs), { limit, burst, periodMs: 3_600_000 });
        expect(answers.indexOf(false)).toBe(burst + 1);
      }),
    );
  });

  it('says how many would pass and when to come back', () => {
    const first = takeOne(policy, undefined, 5000);
    expect(first).toMatchObject({ remaining: 2, retryAfterMs: 0, resetMs: 1000 });
    const second = takeOne(policy, first.fullAtMs, 5000);
    const third = takeOne(policy, second.fullAtMs, 5000);
    expect(takeOne(policy, third.fullAtMs, 5250)).toMatchObject({
      allowed: false,
      remaining: 0,
      retryAfterMs: 750,
    });
  });

  it('does not shut out longer a client that keeps asking', () => {
    expect(takeAll([0, 0, 0, 100, 200, 300, 400, 1000]).at(-1)).toBe(true);
  });

  it('never lets more than the burst and the rate pass in any period', () => {
    const gapsBetweenRequests = fc.array(fc.nat(500), { maxLength: 200 });
    const held = fc.check(
      fc.property(gapsBetweenRequests, (gaps) => {
        let nowMs = 0;
        const times = gaps.map((gap) => (nowMs += gap));
        const outcomes = takeAll(times);
        const passed = times.filter((_, place) => outcomes[place]);
        const within = (from: number) => passed.filter((at) => at >= from && at < from + 10_000).length;
        return passed.every((from) => within(from) <= 10 + policy.burst + 1);
      }),
    );
    expect(held.failed).toBe(false);
  });
});
