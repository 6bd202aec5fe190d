import { describe, expect, it } from 'vitest';

import { systemClock } from '../../src/adapters/clock.ts';
import { type Leave, openSlots } from '../../src/services/slots.ts';
import { standingClock } from '../fakes/standing-clock.ts';

const never = 60_000;

describe('places for work', () => {
  it('are taken while work is under way and free afterwards', async () => {
    const slots = openSlots(2, systemClock, () => undefined);
    let end = (): void => undefined;
    slots.start(() => new Promise((resolve) => (end = resolve)));
    expect(slots.free()).toBe(1);
    end();
    await slots.freed(never);
    expect(slots.free()).toBe(2);
  });

  it('stay taken as long as the work asks, without being waited for in the end', async () => {
    const slots = openSlots(1, systemClock, () => undefined);
    slots.start(async (leave) => leave(20));
    slots.start(async (leave) => leave(never));
    expect(slots.oldestMs()).toBeDefined();
    await slots.freed(never);
    await slots.drained();
    expect(slots.oldestMs()).toBeUndefined();
  });

  it('tell the age of work by the progress that it shows', async () => {
    const clock = standingClock();
    const slots = openSlots(2, clock, () => undefined);
    const works: { alive(): void; end(): void }[] = [];
    const start = () =>
      slots.start((_, alive) => new Promise((end) => void works.push({ alive, end: () => end(undefined) })));
    start();
    clock.advance(100);
    start();
    expect(slots.oldestMs()).toBe(0);
    works[0]?.alive();
    clock.advance(100);
    works[1]?.alive();
    expect(slots.oldestMs()).toBe(100);
    works.forEach(({ end }) => end());
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
    slots.start(() => Promise.resolve());
    await slots.drained();
    await slots.freed(never);
  });

  it('are free for others when the work has left them, which goes on and is waited for', async () => {
    const slots = openSlots(1, systemClock, () => undefined);
    const ends: (() => void)[] = [];
    const leaving = (leave: Leave) => {
      leave();
      leave(never);
      return new Promise<void>((resolve) => ends.push(resolve));
    };
    slots.start(leaving);
    expect(slots.free()).toBe(1);
    expect(slots.oldestMs()).toBeDefined();
    for (let more = 0; more < 3; more += 1) slots.start(leaving);
    expect(slots.free()).toBe(0);
    ends.forEach((end) => end());
    await slots.drained();
    expect(slots.free()).toBe(1);
  });
});
