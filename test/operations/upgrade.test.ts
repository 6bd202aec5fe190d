import { describe, expect, it } from 'vitest';

import { OperatorError } from '../../src/domain/failure.ts';
import { oneWay } from '../../src/operations/upgrade/marks.ts';
import { refuseOneWay } from '../../src/operations/upgrade/switch.ts';

const before = { mailctl: '16', postal: '20240311 (60)', mariadb: '11.8' };
const previous = { at: '2026-11-27T12:00:00Z', finished: false, backup: 'set-1', images: {}, marks: before };

function hintOf(work: () => void): string | undefined {
  try {
    work();
  } catch (error) {
    return error instanceof OperatorError && error.code === 'refused' ? error.hint : undefined;
  }
  return undefined;
}

describe('the way back from an upgrade', () => {
  it('is open while no database went on, also where one cannot be looked at', () => {
    expect(oneWay(before, before)).toEqual([]);
    expect(oneWay(before, {})).toEqual([]);
    expect(() => refuseOneWay(previous, before)).not.toThrow();
  });

  it.each([
    ['mailctl', '17', "mailctl's database went from 16 to 17"],
    ['postal', '20261101 (61)', "Postal's database went from 20240311 (60) to 20261101 (61)"],
    ['mariadb', '12.0', 'MariaDB went from 11.8 to 12.0'],
  ])('is closed once %s was migrated, and says which and where the data of before are', (what, to, words) => {
    const now = { ...before, [what]: to };
    expect(() => refuseOneWay(previous, now)).toThrow(words);
    expect(hintOf(() => refuseOneWay(previous, now))).toContain('set-1');
  });
});
