import { describe, expect, it } from 'vitest';

import { backoffMs, retryAfterMs, scheduledMs } from '../../src/domain/backoff.ts';

describe('the wait before the next attempt', () => {
  it('doubles after each failure until it reaches its limit', () => {
    const waits = [1, 2, 3, 4, 5].map((failures) => backoffMs(failures, { baseMs: 100, mostMs: 500 }, 1));
    expect(waits).toEqual([100, 200, 400, 500, 500]);
  });

  it('is jittered over its second half', () => {
    expect(backoffMs(2, { baseMs: 100, mostMs: 500 }, 0)).toBe(100);
    expect(backoffMs(2, { baseMs: 100, mostMs: 500 }, 0.5)).toBe(150);
  });

  it('stays finite after a thousand failures', () => {
    expect(backoffMs(1000, { baseMs: 100, mostMs: 500 }, 1)).toBe(500);
  });

  it('follows a schedule with full jitter, and ends with it', () => {
    expect(scheduledMs([5000, 60_000], 1, 0.5)).toBe(2500);
    expect(scheduledMs([5000, 60_000], 2, 0)).toBe(0);
    expect(scheduledMs([5000, 60_000], 3, 0.5)).toBeUndefined();
  });
});

describe('a Retry-After header', () => {
  const now = new Date('2026-01-01T00:00:00Z');

  it('asks in seconds or by a date', () => {
    expect(retryAfterMs('120', now)).toBe(120_000);
    expect(retryAfterMs('Thu, 01 Jan 2026 00:00:30 GMT', now)).toBe(30_000);
  });

  it('asks for nothing when its date is past, and counts as absent when it is unreadable', () => {
    expect(retryAfterMs('Thu, 01 Jan 2025 00:00:00 GMT', now)).toBe(0);
    expect(retryAfterMs('soon', now)).toBeUndefined();
    expect(retryAfterMs(undefined, now)).toBeUndefined();
  });
});
