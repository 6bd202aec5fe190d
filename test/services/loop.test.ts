import { describe, expect, it } from 'vitest';

import { systemClock } from '../../src/adapters/clock.ts';
import { silentLog } from '../../src/adapters/log.ts';
import { systemRandom } from '../../src/adapters/random.ts';
import { startLoop, type Work } from '../../src/services/loop.ts';

const world = { clock: systemClock, random: systemRandom, log: silentLog };
const pace = { idleMs: 1, longestMs: 5 };

/** Resolves when the work has had this many rounds. */
function rounds(count: number, turn: (round: number) => Promise<boolean>) {
  let done = 0;
  let reached = (): void => undefined;
  const enough = new Promise<void>((resolve) => (reached = resolve));
  const work: Work = {
    turn: (stop) => {
      done += 1;
      if (done >= count) reached();
      return done > count ? systemClock.sleep(60_000, stop).then(() => false) : turn(done);
    },
  };
  return { work, enough };
}

describe('a loop', () => {
  it('goes on after rounds that throw', async () => {
    const { work, enough } = rounds(5, () => Promise.reject(new Error('the database is away')));
    const loop = startLoop('test', work, pace, world);
    await enough;
    await loop.stop();
  });

  it('makes progress with every round, also one that fails', async () => {
    const { work, enough } = rounds(3, () => Promise.reject(new Error('no')));
    const loop = startLoop('test', work, pace, world);
    await enough;
    expect(loop.sinceProgressMs()).toBeLessThan(1000);
    await loop.stop();
  });

  it('makes none while a round hangs', async () => {
    const time = { ms: 0 };
    const clock = { ...systemClock, monotonicMs: () => time.ms };
    const loop = startLoop('test', { turn: () => new Promise(() => undefined) }, pace, { ...world, clock });
    time.ms = 90_000;
    expect(loop.sinceProgressMs()).toBe(90_000);
  });

  it('makes none while a piece of its work hangs, however many rounds it has', async () => {
    const time = { ms: 50_000 };
    const clock = { ...systemClock, monotonicMs: () => time.ms };
    const { work, enough } = rounds(3, () => Promise.resolve(true));
    const loop = startLoop('test', { ...work, oldestMs: () => 1000 }, pace, { ...world, clock });
    await enough;
    expect(loop.sinceProgressMs()).toBe(49_000);
    await loop.stop();
  });

  it('ends after the round in hand, then finishes its work once', async () => {
    const done: string[] = [];
    let release = (): void => undefined;
    const work: Work = {
      turn: async () => {
        await new Promise<void>((resolve) => (release = resolve));
        done.push('turn');
        return true;
      },
      finish: () => {
        done.push('finish');
        return Promise.resolve();
      },
    };
    const loop = startLoop('test', work, pace, world);
    const stopped = Promise.all([loop.stop(), loop.stop()]);
    release();
    await stopped;
    expect(done).toEqual(['turn', 'finish']);
  });

  it('is not taken for hung while it merely waits', async () => {
    const time = { ms: 0 };
    const clock = { ...systemClock, monotonicMs: () => time.ms };
    const { work, enough } = rounds(1, () => Promise.resolve(false));
    const loop = startLoop('test', work, { idleMs: 60_000, longestMs: 60_000 }, { ...world, clock });
    await enough;
    await Promise.resolve();
    time.ms = 60_500;
    expect(loop.sinceProgressMs()).toBe(500);
    await loop.stop();
  });

  it('is woken from its wait when it is stopped', async () => {
    const { work, enough } = rounds(1, () => Promise.resolve(false));
    const loop = startLoop('test', work, { idleMs: 60_000, longestMs: 60_000 }, world);
    await enough;
    await loop.stop();
  });
});
