import fc from 'fast-check';
import { createTask } from 'node-cron';
import { describe, expect, it } from 'vitest';

import { asCalendarEvent, type Cron, lastUpTo, nextAfter, parseCron } from '../../src/domain/cron.ts';

function cron(text: string): Cron {
  const read = parseCron(text);
  if (typeof read === 'string') throw new Error(`${text} ${read}`);
  return read;
}

const at = (text: string) => new Date(text);

describe('a cron expression', () => {
  it.each([
    ['15 1 * * *', '2026-03-01T12:00:00Z', '2026-03-02T01:15:00Z'],
    ['15 1 * * *', '2026-03-01T01:14:59Z', '2026-03-01T01:15:00Z'],
    ['15 1 * * *', '2026-03-01T01:15:00Z', '2026-03-02T01:15:00Z'],
    ['*/30 * * * *', '2026-12-31T23:45:10Z', '2027-01-01T00:00:00Z'],
    ['30 4 * * 7', '2026-03-02T00:00:00Z', '2026-03-08T04:30:00Z'],
    ['0 0 29 2 *', '2026-03-01T00:00:00Z', '2028-02-29T00:00:00Z'],
    ['0 3-5/2,9 1 1,6 *', '2026-01-01T03:00:00Z', '2026-01-01T05:00:00Z'],
  ])('%s is due next after %s at %s', (text, from, next) => {
    expect(nextAfter(cron(text), at(from))).toEqual(at(next));
  });

  it('was due last up to and including a moment', () => {
    expect(lastUpTo(cron('15 1 * * *'), at('2026-03-01T01:15:59Z'))).toEqual(at('2026-03-01T01:15:00Z'));
    expect(lastUpTo(cron('15 1 * * *'), at('2026-03-01T01:14:59Z'))).toEqual(at('2026-02-28T01:15:00Z'));
  });

  it.each([
    ['* * * *', 'five fields'],
    ['61 * * * *', 'holds "61"'],
    ['* * * * 8', 'holds "8"'],
    ['*/0 * * * *', 'holds "*/0"'],
    ['5-1 * * * *', 'holds "5-1"'],
    ['@daily x x x x', 'holds "@daily"'],
    ['* * 0 * *', 'holds "0"'],
    ['0 0 31 2 *', 'never comes'],
    ['0 0 1 * 1', 'keep one'],
  ])('%s is refused: %s', (text, why) => {
    expect(parseCron(text)).toContain(why);
  });

  it('is read as node-cron reads it, whatever it says', () => {
    const field = (least: number, most: number) =>
      fc.oneof(
        fc.constant('*'),
        fc.integer({ min: 2, max: 20 }).map((step) => `*/${step}`),
        fc.uniqueArray(fc.integer({ min: least, max: most }), { minLength: 1, maxLength: 3 }).map(String),
      );
    const expression = fc
      .tuple(field(0, 59), field(0, 23), field(1, 28), field(1, 12))
      .map((fields) => `${fields.join(' ')} *`);
    fc.assert(
      fc.property(expression, (text) => {
        const task = createTask(text, () => undefined, { timezone: 'Etc/UTC' });
        const expected = task.getNextRun();
        void task.destroy();
        return expected === null || lastUpTo(cron(text), expected).getTime() === expected.getTime();
      }),
      { numRuns: 60 },
    );
  });

  it('can be told to systemd', () => {
    expect(asCalendarEvent(cron('30 4 * * 0'))).toBe('Sun *-*-* 04:30:00 UTC');
    expect(asCalendarEvent(cron('*/30 * 1,15 6 *'))).toBe('*-06-01,15 *:00,30:00 UTC');
  });
});
