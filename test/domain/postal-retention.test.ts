import { describe, expect, it } from 'vitest';

import { bodiesAtRisk } from '../../src/domain/postal-retention.ts';

const now = new Date('2026-11-27T12:00:00Z');
const day = 86_400_000;
const table = (date: string, queued: number, bytes = 0) => ({
  name: `raw-${date}`,
  day: new Date(`${date}T00:00:00Z`),
  bytes,
  queued,
});
const look = (aheadMs = 2 * day) => ({ now, aheadMs });

describe("a body of queued mail that Postal's retention drops", () => {
  it('goes at the first three in the morning at which its day is older than the days kept', () => {
    const tables = [table('2026-11-25', 4), table('2026-11-26', 9)];
    expect(bodiesAtRisk(tables, { days: 2, mostBytes: null }, look())).toEqual([
      { table: 'raw-2026-11-25', queued: 4, dropped_at: '2026-11-28T03:00:00.000Z', why: 'days' },
      { table: 'raw-2026-11-26', queued: 9, dropped_at: '2026-11-29T03:00:00.000Z', why: 'days' },
    ]);
    expect(bodiesAtRisk(tables, { days: 2, mostBytes: null }, look(day))).toHaveLength(1);
  });

  it('goes oldest first while all together are larger than they may be', () => {
    const tables = [table('2026-11-20', 0, 500), table('2026-11-21', 3, 500), table('2026-11-22', 1, 500)];
    expect(bodiesAtRisk(tables, { days: 30, mostBytes: 900 }, look(day))).toEqual([
      { table: 'raw-2026-11-21', queued: 3, dropped_at: '2026-11-28T03:00:00.000Z', why: 'size' },
    ]);
  });

  it('goes also when it will be too large by then, as it grows now', () => {
    const tables = [table('2026-11-25', 2, 400), table('2026-11-26', 0, 400)];
    const most = { days: null, mostBytes: 1000 };
    expect(bodiesAtRisk(tables, most, look(day))).toEqual([]);
    expect(bodiesAtRisk(tables, most, look(2 * day))).toMatchObject([
      { table: 'raw-2026-11-25', dropped_at: '2026-11-29T03:00:00.000Z', why: 'size' },
    ]);
  });

  it('is none where nothing is limited, or nothing is queued', () => {
    const old = [table('2020-01-01', 5, 1e12)];
    expect(bodiesAtRisk(old, { days: null, mostBytes: null }, look())).toEqual([]);
    expect(bodiesAtRisk([table('2020-01-01', 0, 1e12)], { days: 1, mostBytes: 1 }, look())).toEqual([]);
  });
});
