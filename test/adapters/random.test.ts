import { expect, it } from 'vitest';

import { systemRandom } from '../../src/adapters/random.ts';

it('draws as many letters and digits as asked, each about equally often', () => {
  expect(systemRandom.letters(0)).toBe('');
  const text = systemRandom.letters(72_000);
  expect(text).toMatch(/^[a-z0-9]{72000}$/);
  const counts = new Map<string, number>();
  for (const letter of text) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  expect(counts.size).toBe(36);
  for (const count of counts.values()) expect(Math.abs(count - 2000)).toBeLessThan(300);
});

it('draws different letters each time', () => {
  expect(new Set(Array.from({ length: 1000 }, () => systemRandom.letters(20))).size).toBe(1000);
});
