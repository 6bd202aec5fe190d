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

it('draws different octets each time, whatever is left of those drawn at once', () => {
  const drawn = Array.from({ length: 1000 }, (_, count) => systemRandom.bytes(10 + (count % 30)));
  expect(drawn.map(({ length }) => length)).toEqual(drawn.map((_, count) => 10 + (count % 30)));
  const heads = drawn.map((octets) => Buffer.from(octets.subarray(0, 10)).toString('hex'));
  expect(new Set(heads).size).toBe(1000);
  expect(systemRandom.bytes(5000)).toHaveLength(5000);
});
