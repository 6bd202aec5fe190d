import { describe, expect, it } from 'vitest';

import { inProcessLimiter, rateHeaders } from '../../../src/services/api/limiter.ts';
import { handClock } from './hand-clock.ts';

const policy = { limit: 1, periodMs: 1000, burst: 0 };

describe('the limiter of one process', () => {
  it('counts each client for itself', async () => {
    const limiter = inProcessLimiter(policy, { clock: handClock(), capacity: 10 });
    expect((await limiter.take('a')).allowed).toBe(true);
    expect((await limiter.take('a')).allowed).toBe(false);
    expect((await limiter.take('b')).allowed).toBe(true);
  });

  it('lets a client pass again as time passes', async () => {
    const clock = handClock();
    const limiter = inProcessLimiter(policy, { clock, capacity: 10 });
    await limiter.take('a');
    clock.pass(1000);
    expect((await limiter.take('a')).allowed).toBe(true);
  });

  it('remembers no more clients than it may, and forgets the quietest first', async () => {
    const limiter = inProcessLimiter(policy, { clock: handClock(), capacity: 2 });
    await limiter.take('a');
    await limiter.take('b');
    await limiter.take('a');
    await limiter.take('c');
    expect((await limiter.take('a')).allowed).toBe(false);
    expect((await limiter.take('b')).allowed).toBe(true);
  });
});

describe('the headers', () => {
  it('are in whole seconds, rounded up, and never say to come back at once', () => {
    const decision = { allowed: false, remaining: 0, retryAfterMs: 1, resetMs: 1500, fullAtMs: 0 };
    expect(rateHeaders(policy, decision)).toEqual({
      'ratelimit-policy': '"default";q=1;w=1',
      ratelimit: '"default";r=0;t=2',
      'retry-after': '1',
    });
  });
});
