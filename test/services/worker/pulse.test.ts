import { describe, expect, it } from 'vitest';

import type { Clock } from '../../../src/adapters/clock.ts';
import { openPulse } from '../../../src/services/worker/pulse.ts';

/** A clock whose sleeper wakes when the test says so, after exactly what it asked for. */
function wakingClock() {
  const state = { nowMs: 0, wake: (): void => undefined };
  const clock: Clock = {
    now: () => new Date(state.nowMs),
    monotonicMs: () => state.nowMs,
    sleep: (ms, stop) =>
      new Promise((resolve) => {
        stop?.addEventListener('abort', () => resolve());
        state.wake = () => {
          state.nowMs += ms;
          resolve();
        };
      }),
  };
  return {
    clock,
    pass: (ms: number): void => {
      state.nowMs += ms;
    },
    wake: async (times = 1): Promise<void> => {
      for (let time = 0; time < times; time += 1) {
        state.wake();
        await new Promise(setImmediate);
      }
    },
  };
}

const settleMs = 10_000;
/** The settle time, and the three beats of a second each that can go unseen. */
const wholeMs = 13_000;

async function watched() {
  const time = wakingClock();
  const postal = { answer: async () => true, beats: 0 };
  const beat = (): Promise<boolean> => {
    postal.beats += 1;
    return postal.answer();
  };
  const pulse = openPulse({ beat, settleMs, leastMs: 100 }, time.clock);
  expect(pulse.restMs()).toBe(wholeMs);
  await new Promise(setImmediate);
  return { ...time, postal, pulse };
}

describe('the watch over Postal', () => {
  it('is over when Postal has run under our eyes for the settle time and what could go unseen', async () => {
    const { pulse, wake } = await watched();
    await wake(12);
    expect(pulse.restMs()).toBe(1000);
    await wake();
    expect(pulse.restMs()).toBe(0);
    await pulse.stop();
  });

  it('begins anew when an answer shows that Postal stood still', async () => {
    const { pulse, wake, pass, postal } = await watched();
    await wake(13);
    postal.answer = async () => {
      pass(60_000);
      return true;
    };
    await wake();
    expect(pulse.restMs()).toBe(wholeMs);
    postal.answer = async () => true;
    await wake(13);
    expect(pulse.restMs()).toBe(0);
    await pulse.stop();
  });

  it('is not over while an answer is awaited that is late already', async () => {
    const { pulse, wake, pass, postal } = await watched();
    await wake(13);
    let answer = (): void => undefined;
    postal.answer = () => new Promise((resolve) => (answer = () => resolve(true)));
    await wake();
    expect(pulse.restMs()).toBe(0);
    pass(2500);
    expect(pulse.restMs()).toBe(wholeMs);
    answer();
    await new Promise(setImmediate);
    await pulse.stop();
  });

  it('begins anew when Postal did not answer', async () => {
    const { pulse, wake, postal } = await watched();
    await wake(13);
    postal.answer = async () => false;
    await wake();
    expect(pulse.restMs()).toBe(wholeMs);
    await pulse.stop();
  });

  it('begins anew when we ourselves stood still', async () => {
    const { pulse, wake, pass } = await watched();
    await wake(13);
    pass(60_000);
    expect(pulse.restMs()).toBe(wholeMs);
    await wake();
    expect(pulse.restMs()).toBe(wholeMs);
    await pulse.stop();
  });

  it('rests while nobody asks', async () => {
    const { wake, postal } = await watched();
    await wake(200);
    expect(postal.beats).toBe(39);
  });
});
