import { expect, it } from 'vitest';

import { silentLog } from '../../src/adapters/log.ts';
import type { Redis } from '../../src/adapters/redis.ts';
import { openSharedCounting } from '../../src/services/shared-counting.ts';
import { systemClock } from '../../src/adapters/clock.ts';
import { until } from '../integration/api/until.ts';

/** A Redis that answers only while it is up. */
function switchedRedis() {
  const state = { isUp: true, calls: 0 };
  const call = async () => {
    state.calls += 1;
    if (!state.isUp) throw new Error('down');
    return 'PONG';
  };
  const redis: Redis = {
    call,
    evaluate: call,
    renew: async () => true,
    onReady: () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
  return { state, redis };
}

function countingOn(redis: Redis | undefined, refill: () => Promise<void> = async () => undefined) {
  return openSharedCounting({ clock: systemClock, log: silentLog, redis, retryMs: 5, refill });
}

it('counts alone, and is not degraded by it, where there is no Redis', async () => {
  const counting = countingOn(undefined);
  expect(
    await counting.ask(
      async () => 'shared',
      () => 'alone',
    ),
  ).toBe('alone');
  expect([counting.isShared, counting.isDegraded()]).toEqual([false, false]);
});

it('asks a Redis that did not answer no more until it has answered and was told what it missed', async () => {
  const { state, redis } = switchedRedis();
  let refusals = 0;
  const counting = countingOn(redis, async () => {
    refusals -= 1;
    if (refusals >= 0) throw new Error('not yet');
  });
  const ask = () =>
    counting.ask(
      (to) => to.call('GET'),
      () => 'alone',
    );
  await until(() => refusals === -1);
  refusals = 2;
  state.isUp = false;
  expect(await ask()).toBe('alone');
  const calls = state.calls;
  expect(ask()).toBe('alone');
  expect(state.calls).toBe(calls);
  state.isUp = true;
  await until(() => !counting.isDegraded());
  expect(refusals).toBe(-1);
  expect(await ask()).toBe('PONG');
  await counting.stop();
});
