import { describe, expect, it } from 'vitest';

import { openDueWatch } from '../../../src/services/worker/due-watch.ts';
import { standingClock } from '../../fakes/standing-clock.ts';

function watched() {
  const clock = standingClock();
  const watch = openDueWatch(120_000, clock);
  const isWell = async () => (await watch.probe()).ok;
  return { clock, watch, isWell };
}

describe('the watch over what is due', () => {
  it('finds that nothing is taken when something was due for too long all the time', async () => {
    const { clock, watch, isWell } = watched();
    watch.saw(600, true);
    clock.advance(120_000);
    watch.saw(720, true);
    expect(await isWell()).toBe(true);
    clock.advance(1);
    expect(await watch.probe()).toMatchObject({ ok: false, why: expect.stringContaining('due for 720 s') });
  });

  it('finds nothing wrong with a long queue of which one hand-over ends after the other', async () => {
    const { clock, watch, isWell } = watched();
    for (let turn = 0; turn < 10; turn += 1) {
      watch.saw(3600, true);
      clock.advance(60_000);
      watch.handedOver();
      clock.advance(30_000);
      expect(await isWell()).toBe(true);
    }
  });

  it('begins anew whenever something stood in the way, or nothing was late', async () => {
    const { clock, watch, isWell } = watched();
    for (const [seconds, mayGo] of [
      [600, false],
      [5, true],
    ] as const) {
      watch.saw(600, true);
      clock.advance(100_000);
      watch.saw(seconds, mayGo);
      clock.advance(100_000);
      watch.saw(600, true);
      clock.advance(100_000);
      expect(await isWell()).toBe(true);
    }
  });

  it('is content with an empty queue for ever', async () => {
    const { clock, watch, isWell } = watched();
    watch.handedOver();
    watch.saw(0, true);
    clock.advance(10_000_000);
    expect(await isWell()).toBe(true);
  });
});
