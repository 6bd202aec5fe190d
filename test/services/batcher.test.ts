import { describe, expect, it } from 'vitest';

import { openBatcher } from '../../src/services/batcher.ts';
import { standingClock } from '../fakes/standing-clock.ts';

/** A batch job whose turns end when the test says so. */
function heldTurns() {
  const turns: { items: readonly number[]; end: () => void; fail: (error: Error) => void }[] = [];
  const run = (items: readonly number[]) =>
    new Promise<readonly string[]>((resolve, reject) => {
      turns.push({ items, end: () => resolve(items.map(String)), fail: reject });
    });
  return { turns, run };
}

const limits = { maxItems: 3, inFlight: 2, everyMs: 5 };

/** Lets all that has been resolved go on. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('the batcher', () => {
  it('runs a lone item at once, and gathers what comes until the pause after it is over', async () => {
    const { turns, run } = heldTurns();
    const clock = standingClock();
    const batcher = openBatcher(run, limits, clock);
    const outcomes = [1, 2, 3, 4, 5].map((item) => batcher.add(item));
    expect(turns.map(({ items }) => items)).toEqual([[1]]);
    clock.advance(4);
    await settled();
    expect(turns).toHaveLength(1);
    clock.advance(1);
    await settled();
    expect(turns.map(({ items }) => items)).toEqual([[1], [2, 3, 4]]);
    turns[0]?.end();
    turns[1]?.end();
    clock.advance(5);
    await settled();
    turns[2]?.end();
    expect(await Promise.all(outcomes)).toEqual(['1', '2', '3', '4', '5']);
    clock.advance(5);
    await settled();
    void batcher.add(6);
    expect(turns.at(-1)?.items).toEqual([6]);
  });

  it('gathers what comes while as many batches as may be are under way', async () => {
    const { turns, run } = heldTurns();
    const clock = standingClock();
    const batcher = openBatcher(run, { ...limits, inFlight: 1 }, clock);
    const outcomes = [1, 2, 3].map((item) => batcher.add(item));
    clock.advance(5);
    await settled();
    expect(turns.map(({ items }) => items)).toEqual([[1]]);
    turns[0]?.end();
    await settled();
    expect(turns.map(({ items }) => items)).toEqual([[1], [2, 3]]);
    turns[1]?.end();
    expect(await Promise.all(outcomes)).toEqual(['1', '2', '3']);
  });

  it('runs a hurried item without a pause, together with what waits', async () => {
    const { turns, run } = heldTurns();
    const batcher = openBatcher(run, limits, standingClock());
    void batcher.add(1);
    void batcher.add(2);
    void batcher.add(3, 'hurried');
    expect(turns.map(({ items }) => items)).toEqual([[1], [2, 3]]);
  });

  it('fails the items of a failed batch and goes on with the others', async () => {
    const { turns, run } = heldTurns();
    const clock = standingClock();
    const batcher = openBatcher(run, { ...limits, inFlight: 1 }, clock);
    const [first, second] = [batcher.add(1), batcher.add(2)];
    turns[0]?.fail(new Error('broken'));
    await expect(first).rejects.toThrow('broken');
    clock.advance(5);
    await settled();
    turns[1]?.end();
    expect(await second).toBe('2');
  });

  it('is drained when nothing waits or is under way', async () => {
    const { turns, run } = heldTurns();
    const clock = standingClock();
    const batcher = openBatcher(run, { ...limits, inFlight: 1 }, clock);
    const both = [batcher.add(1), batcher.add(2)];
    const draining = batcher.drained();
    turns[0]?.end();
    await settled();
    expect(await Promise.race([draining, 'not yet'])).toBe('not yet');
    clock.advance(5);
    await settled();
    turns[1]?.end();
    await draining;
    expect(await Promise.all(both)).toEqual(['1', '2']);
  });

  it('fails an item that the batch says nothing of', async () => {
    const batcher = openBatcher(async () => [], limits, standingClock());
    await expect(batcher.add(1)).rejects.toThrow('no outcome');
  });
});
