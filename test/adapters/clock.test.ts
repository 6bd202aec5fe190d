import { describe, expect, it } from 'vitest';

import { systemClock } from '../../src/adapters/clock.ts';

const month = 30 * 86_400_000;

describe('a pause of the system clock', () => {
  it('lasts longer than a timer of Node can hold', async () => {
    const stop = new AbortController();
    const ended = await Promise.race([
      systemClock.sleep(month, stop.signal).then(() => 'the month'),
      systemClock.sleep(50).then(() => 'an instant'),
    ]);
    stop.abort();
    expect(ended).toBe('an instant');
  });

  it('ends at once when it is stopped, be it before it began', async () => {
    const stop = new AbortController();
    const pause = systemClock.sleep(month, stop.signal);
    stop.abort();
    expect(await Promise.all([pause, systemClock.sleep(month, stop.signal)])).toHaveLength(2);
  });
});
