import { describe, expect, it } from 'vitest';

import { systemClock } from '../../src/adapters/clock.ts';
import { openSlots } from '../../src/services/slots.ts';

const never = 60_000;

describe('places for work', () => {
  it('are taken while work is under way and free afterwards', async () => {
    const slots = openSlots(2, systemClock, () => undefined);
    let end = (): void => undefined;
    slots.start(() => new Promise((resolve) => (end = () => resolve(0))));
    expect(slots.free()).toBe(1);
    end();
    await slots.freed(never);
    expect(slots.free()).toBe(2);
  });

  it('stay taken as long as the work asks, without being waited for in the end', async () => {
    const slots = openSlots(1, systemClock, () => undefined);
    slots.start(() => Promise.resolve(20));
    slots.start(() => Promise.resolve(never));
    expect(slots.oldestMs()).toBeDefined();
    await slots.freed(never);
    await slots.drained();
    expect(slots.oldestMs()).toBeUndefined();
  });

  it('are free again when the work throws, and the failure is told', async () => {
    const failures: unknown[] = [];
    const slots = openSlots(1, systemClock, (error) => failures.push(error));
    slots.start(() => Promise.reject(new Error('no')));
    await slots.freed(never);
    expect(slots.free()).toBe(1);
    expect(failures).toEqual([new Error('no')]);
  });

  it('tell of a place that became free before anyone listened', async () => {
    const slots = openSlots(1, systemClock, () => undefined);
    slots.start(() => Promise.resolve(0));
    await slots.drained();
    await slots.freed(never);
  });
});
