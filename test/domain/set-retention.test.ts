import { describe, expect, it } from 'vitest';

import { judgeSets, type KeepRules } from '../../src/domain/set-retention.ts';

const none: KeepRules = { last: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };

/** One set a day at noon for so many days before 2026-11-27, which is a Friday. */
const daily = (days: number, proven: readonly number[] = []) =>
  Array.from({ length: days }, (_, back) => ({
    id: `day-${back}`,
    at: new Date(Date.UTC(2026, 10, 27 - back, 12)),
    proven: proven.includes(back),
  }));

const kept = (sets: ReturnType<typeof daily>, rules: Partial<KeepRules>) =>
  judgeSets(sets, { ...none, ...rules })
    .filter(({ keptAs }) => keptAs.length > 0)
    .map(({ id }) => id);

describe('retention of sets', () => {
  it('keeps the newest of each period', () => {
    const sets = daily(70);
    expect(kept(sets, { last: 2 })).toEqual(['day-0', 'day-1']);
    expect(kept(sets, { weekly: 2 })).toEqual(['day-0', 'day-5']);
    expect(kept(sets, { daily: 3 })).toEqual(['day-0', 'day-1', 'day-2']);
    const early = { id: 'morning', at: new Date('2026-11-26T06:00:00Z'), proven: false };
    expect(kept([...sets, early], { daily: 2 })).toEqual(['day-0', 'day-1']);
    expect(kept(daily(400), { yearly: 2 })).toEqual(['day-0', 'day-331']);
    expect(kept(sets, { monthly: 3 })).toEqual(['day-0', 'day-27', 'day-58']);
    expect(
      kept([...sets, { id: 'noon', at: new Date('2026-11-27T12:30:00Z'), proven: false }], { hourly: 1 }),
    ).toEqual(['noon']);
  });

  it('never lets the newest proven set go, nor the newest where none is proven', () => {
    expect(kept(daily(10, [6, 8]), { last: 1 })).toEqual(['day-0', 'day-6']);
    expect(kept(daily(3), {})).toEqual(['day-0']);
    expect(kept([], { last: 3 })).toEqual([]);
  });
});
