import { expect, it } from 'vitest';

import { openTurns } from '../../../../src/services/relay/guard/turns.ts';

it('runs work of one key one after another, in order, also after one that failed, and other keys beside it', async () => {
  const inTurn = openTurns();
  const done: string[] = [];
  let open = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const first = inTurn('a', async () => {
    await gate;
    done.push('a1');
    throw new Error('no');
  });
  const second = inTurn('a', async () => void done.push('a2'));
  await inTurn('b', async () => void done.push('b1'));
  expect(done).toEqual(['b1']);
  open();
  await expect(first).rejects.toThrow('no');
  await second;
  expect(done).toEqual(['b1', 'a1', 'a2']);
});
