import { expect, it } from 'vitest';

import { openArena } from '../../../../src/services/relay/journal/arena.ts';

it('memory of a whole message is used again, and only when it is free', () => {
  const arena = openArena();
  const first = arena.borrow(100);
  expect(arena.borrow(50).buffer).not.toBe(first.buffer);
  arena.giveBack(first);
  const second = arena.borrow(50);

  expect(second.buffer).toBe(first.buffer);
  expect(second).toHaveLength(50);
  expect(arena.borrow(50).buffer).not.toBe(first.buffer);
});
