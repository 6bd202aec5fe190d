import { expect, it } from 'vitest';

import { watchDatabaseClock } from '../../../src/services/worker/database-clock.ts';
import { handClock } from '../api/hand-clock.ts';

const startMs = Date.parse('2026-03-01T12:00:00Z');

function watching() {
  const clock = handClock();
  const watch = watchDatabaseClock({ mostMs: 180_000, stepMs: 1000 }, clock);
  const see = (aheadMs: number, tookMs = 5): void => {
    const fromMs = clock.monotonicMs();
    clock.pass(tookMs);
    watch.saw(new Date(startMs + aheadMs + fromMs), { fromMs, toMs: clock.monotonicMs() });
  };
  return { clock, watch, see };
}

it('believes that a lease ended while the clock of the database goes as time goes, however slow a query is', () => {
  const { clock, watch, see } = watching();
  for (const tookMs of [5, 20_000, 1, 300]) {
    see(0, tookMs);
    clock.pass(60_000);
  }
  see(900);
  expect(watch.restMs()).toBe(0);
});

it('believes none for the longest request and the settle time after a step forward', () => {
  const { clock, watch, see } = watching();
  see(0);
  see(3_600_000);
  expect(watch.restMs()).toBe(180_000);
  clock.pass(60_000);
  see(3_600_000);
  expect(watch.restMs()).toBe(119_995);
  clock.pass(120_000);
  expect(watch.restMs()).toBe(0);
});

it('takes a step back as it is: leases only last longer', () => {
  const { watch, see } = watching();
  see(0);
  see(-3_600_000);
  see(-3_600_000);
  expect(watch.restMs()).toBe(0);
});
