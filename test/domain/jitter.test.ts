import { describe, expect, it } from 'vitest';

import { jitterMs } from '../../src/domain/jitter.ts';

const due = new Date('2026-03-01T01:15:00Z');
const minute = 60_000;
const run = { row: 'backup', due, seed: 'host one' };

describe('the delay of a run', () => {
  it('is the same whenever it is asked for', () => {
    expect(jitterMs({ ...run, due: new Date(due) }, minute)).toBe(jitterMs(run, minute));
  });

  it('lies within its limit, and is none where that is none', () => {
    const days = Array.from({ length: 500 }, (_, day) => new Date(due.getTime() + day * 1440 * minute));
    const delays = days.map((day) => jitterMs({ ...run, due: day }, minute));
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...delays)).toBeLessThan(minute);
    expect(jitterMs(run, 0)).toBe(0);
  });

  it('falls evenly over its limit, from one day to the next', () => {
    const days = Array.from({ length: 1000 }, (_, day) => new Date(due.getTime() + day * 1440 * minute));
    const quarters = days.map((day) => Math.floor(jitterMs({ ...run, due: day }, 4)));
    for (const quarter of [0, 1, 2, 3])
      expect(quarters.filter((one) => one === quarter).length).toBeGreaterThan(200);
  });

  it.each([
    ['row', { ...run, row: 'e2e' }],
    ['installation', { ...run, seed: 'host two' }],
  ])('is another for another %s', (_, other) => {
    expect(jitterMs(other, minute)).not.toBe(jitterMs(run, minute));
  });
});
