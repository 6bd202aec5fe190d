import { describe, expect, it } from 'vitest';

import { openBatcher } from '../../src/services/batcher.ts';

/** A batch job whose turns end when the test says so. */
function heldTurns() {
  const turns: { items: readonly number[]; end: () => void; fail: (error: Error) => void }[] = [];
  const run = (items: readonly number[]) =>
    new Promise<readonly string[]>((resolve, reject) => {
      turns.push({ items, end: () => resolve(items.map(String)), fail: reject });
    });
  return { turns, run };
}

const limits = { maxItems: 3, inFlight: 2 };

describe('the batcher', () => {
  it('starts a lone item at once, and gathers what comes while others are under way', async () => {
    const { turns, run } = heldTurns();
    const batcher = openBatcher(run, limits);
    const outcomes = [1, 2, 3, 4, 5, 6].map((item) => batcher.add(item));
    expect(turns.map(({ items }) => items)).toEqual([[1], [2]]);
    turns[0]?.end();
    await outcomes[0];
    await Promise.resolve();
    expect(turns.map(({ items }) => items)).toEqual([[1], [2], [3, 4, 5]]);
    turns[1]?.end();
    turns[2]?.end();
    await outcomes[4];
    await Promise.resolve();
    turns[3]?.end();
    expect(await Promise.all(outcomes)).toEqual(['1', '2', '3', '4', '5', '6']);
  });

  it('fails the items of a failed batch and goes on with the others', async () => {
    const { turns, run } = heldTurns();
    const batcher = openBatcher(run, { maxItems: 3, inFlight: 1 });
    const [first, second] = [batcher.add(1), batcher.add(2)];
    turns[0]?.fail(new Error('broken'));
    await expect(first).rejects.toThrow('broken');
    await Promise.resolve();
    turns[1]?.end();
    expect(await second).toBe('2');
  });

  it('is drained when nothing waits or is under way', async () => {
    const { turns, run } = heldTurns();
    const batcher = openBatcher(run, { maxItems: 1, inFlight: 1 });
    const both = [batcher.add(1), batcher.add(2)];
    const draining = batcher.drained();
    turns[0]?.end();
    await both[0];
    await Promise.resolve();
    expect(await Promise.race([draining, 'not yet'])).toBe('not yet');
    turns[1]?.end();
    await draining;
    expect(await Promise.all(both)).toEqual(['1', '2']);
  });

  it('fails an item that the batch says nothing of', async () => {
    const batcher = openBatcher(async () => [], limits);
    await expect(batcher.add(1)).rejects.toThrow('no outcome');
  });
});
