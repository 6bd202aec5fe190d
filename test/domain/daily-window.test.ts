import { describe, expect, it } from 'vitest';

import { endOfTouched, parseDailyWindow } from '../../src/domain/daily-window.ts';

const window = (text: string) => parseDailyWindow(text) ?? { from: 0, to: 0 };
const at = (time: string) => new Date(`2026-11-27T${time}:00Z`);
const minutes = 60_000;

describe('a time of day', () => {
  it.each([
    ['before it', '02:55-03:20', '02:00', 0, undefined],
    ['within it', '02:55-03:20', '03:00', 0, '2026-11-27T03:20:00.000Z'],
    ['at its end', '02:55-03:20', '03:20', 0, undefined],
    ['before it, and lasting into it', '02:55-03:20', '02:00', 60 * minutes, '2026-11-27T03:20:00.000Z'],
    [
      'the evening before, and lasting into it',
      '02:55-03:20',
      '23:00',
      300 * minutes,
      '2026-11-28T03:20:00.000Z',
    ],
    ['after midnight, where it passes midnight', '23:50-00:10', '00:05', 0, '2026-11-27T00:10:00.000Z'],
    ['never, where it has no length', '00:00-00:00', '00:00', 600 * minutes, undefined],
  ])('is touched by what starts %s', (...[, text, start, lasts, end]) => {
    expect(endOfTouched(window(text), at(start), lasts)?.toISOString()).toBe(end);
  });

  it.each(['25:00-26:00', '2:55-3:20', '02:55', 'night'])('is not written %s', (text) => {
    expect(parseDailyWindow(text)).toBeUndefined();
  });
});
