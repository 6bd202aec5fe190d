import { describe, expect, it } from 'vitest';

import type { Handover } from '../../../src/domain/delivery.ts';
import { againAfter, latest } from '../../../src/services/worker/again.ts';

const minute = 60_000;
const config = {
  DELIVERY_RETRY_BASE: minute,
  DELIVERY_RETRY_MAX: 60 * minute,
  POSTAL_SETTLE_TIME: 2 * minute,
};
const unclear: Handover = { outcome: 'unclear', reason: 'timeout' };

function minutesAfter(attempts: number, end: Handover | undefined, fraction = 0.999_999): number {
  return Math.round(
    againAfter({ config, random: { fraction: () => fraction } }, attempts, end).inMs / minute,
  );
}

describe('a message with something open', () => {
  it('is tried after the settle time the first time that an end is unclear', () => {
    expect(minutesAfter(0, unclear)).toBe(2);
  });

  it('waits longer each time that an end is unclear again, up to a bound, with jitter', () => {
    expect([1, 2, 3, 4].map((attempts) => minutesAfter(attempts, unclear))).toEqual([3, 4, 6, 10]);
    expect(minutesAfter(50, unclear)).toBe(62);
    expect(minutesAfter(50, unclear, 0)).toBe(32);
  });

  it('waits as Postal asks where that is longer than the wait after a temporary failure', () => {
    const busy: Handover = { outcome: 'busy', reason: '429' };
    expect(minutesAfter(0, busy)).toBe(1);
    expect(minutesAfter(0, { ...busy, retryAfterMs: 9 * minute })).toBe(9);
    expect(minutesAfter(9, { ...busy, retryAfterMs: 9 * minute })).toBe(60);
  });

  it('is due at once, and nothing counts, where nothing was sent or nothing gets through', () => {
    const none = { inMs: 0, counts: false };
    const room = { config, random: { fraction: () => 0.5 } };
    expect(againAfter(room, 3, undefined)).toEqual(none);
    expect(againAfter(room, 3, { outcome: 'blocked', problem: 'suspended', reason: '' })).toEqual(none);
    expect(latest(none, { inMs: 5, counts: true })).toEqual({ inMs: 5, counts: true });
  });
});
