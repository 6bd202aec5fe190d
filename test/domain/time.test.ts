import { describe, expect, it } from 'vitest';

import { parseTime } from '../../src/domain/time.ts';

describe('a time', () => {
  it.each([
    ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.000Z'],
    ['2026-01-31T12:00:00.250+02:00', '2026-01-31T10:00:00.250Z'],
    ['2028-02-29T00:00Z', '2028-02-29T00:00:00.000Z'],
  ])('is read from %s', (text, time) => {
    expect(parseTime(text)?.toISOString()).toBe(time);
  });

  it.each(['', 'soon', '2026-01-31', '2026-01-31T12:00:00', '2026-02-30T00:00:00Z', '2026-13-01T00:00:00Z'])(
    'is none in "%s"',
    (text) => {
      expect(parseTime(text)).toBeUndefined();
    },
  );
});
