import { expect, it } from 'vitest';

import { newId } from '../../src/domain/id.ts';
import { postalKeyFor } from '../../src/domain/postal-key.ts';

it('a message has the same key for ever, and no other message has it', () => {
  const ids = Array.from({ length: 2000 }, (_, one) =>
    newId(
      'msg',
      new Date('2026-03-01T12:00:00Z'),
      new Uint8Array([one >> 8, one & 255, 0, 0, 0, 0, 0, 0, 0, 0]),
    ),
  );
  const keys = ids.map(postalKeyFor);

  expect(ids.map(postalKeyFor)).toEqual(keys);
  expect(new Set(keys).size).toBe(ids.length);
  expect(keys.every((key) => /^[0-9a-z]{20}$/.test(key))).toBe(true);
});

it('a key never changes from release to release: what is at Postal already must be found', () => {
  expect(postalKeyFor('msg_01jqxc4d2w0123456789abcdef')).toBe('ammdm2a49mf1wh9jha1l');
});
