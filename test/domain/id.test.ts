import { describe, expect, it } from 'vitest';

import { systemRandom } from '../../src/adapters/random.ts';
import { isId, leastId, newId } from '../../src/domain/id.ts';

const noon = new Date('2026-03-01T12:00:00.000Z');

describe('an id', () => {
  it('is its time and its random octets in base32, most significant first', () => {
    expect(newId('msg', new Date(0), new Uint8Array(10))).toBe(`msg_${'0'.repeat(26)}`);
    expect(newId('evt', new Date(2 ** 48 - 1), new Uint8Array(10).fill(255))).toBe(`evt_7${'z'.repeat(25)}`);
    const octets = Buffer.from('00112233445566778899', 'hex');
    const expected = (BigInt(noon.getTime()) << 80n) | BigInt('0x00112233445566778899');
    const digits = '0123456789abcdefghjkmnpqrstvwxyz';
    const letters = newId('msg', noon, octets).slice('msg_'.length);
    const values = Array.from(letters, (letter) => BigInt(digits.indexOf(letter)));
    const read = values.reduce((sum, value) => sum * 32n + value, 0n);
    expect(read).toBe(expected);
  });

  it('sorts by its time, whatever its random octets', () => {
    const later = new Date(noon.getTime() + 1);
    const first = newId('msg', noon, new Uint8Array(10).fill(255));
    expect(first < newId('msg', later, new Uint8Array(10))).toBe(true);
    expect(leastId('msg', noon) <= first && first < leastId('msg', later)).toBe(true);
  });

  it('tells nothing of how many there are: those of one millisecond have nothing in common but that', () => {
    const made = Array.from({ length: 50 }, () => newId('msg', noon, systemRandom.bytes(10)));
    const [prefixes, rests] = [made.map((id) => id.slice(0, 14)), made.map((id) => id.slice(14))];
    expect(new Set(prefixes).size).toBe(1);
    expect(new Set(rests).size).toBe(50);
    expect(rests).not.toEqual(rests.toSorted());
  });

  it('is told from anything else', () => {
    expect(isId('msg', newId('msg', noon, new Uint8Array(10)))).toBe(true);
    for (const text of [
      '',
      'msg_',
      'evt_00000000000000000000000000',
      `msg_${'u'.repeat(26)}`,
      `msg_${'0'.repeat(27)}`,
    ])
      expect([text, isId('msg', text)]).toEqual([text, false]);
  });
});
