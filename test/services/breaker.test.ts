import { describe, expect, it } from 'vitest';

import { type Breaker, type BreakerSettings, openBreaker, type Ticket } from '../../src/services/breaker.ts';

const settings: BreakerSettings = { failures: 3, openMs: 1_000, longestOpenMs: 4_000, probeMs: 500 };

function breakerByHand() {
  const time = { ms: 10_000 };
  const changes: string[] = [];
  const breaker = openBreaker(settings, { monotonicMs: () => time.ms }, (to, from) =>
    changes.push(`${from} → ${to}`),
  );
  return { breaker, time, changes };
}

function leave(breaker: Breaker): Ticket {
  const admission = breaker.admit();
  if ('ticket' in admission) return admission.ticket;
  throw new Error(`no leave for ${admission.waitMs} ms`);
}

function fail(breaker: Breaker, times: number): void {
  for (let time = 0; time < times; time += 1) breaker.settle(leave(breaker), 'failed');
}

describe('a circuit breaker', () => {
  it('opens after so many failures in a row, and not before', () => {
    const { breaker } = breakerByHand();
    fail(breaker, 2);
    expect(breaker.state()).toBe('closed');
    fail(breaker, 1);
    expect(breaker.state()).toBe('open');
    expect(breaker.admit()).toMatchObject({ waitMs: 1_000 });
  });

  it('counts only failures in a row', () => {
    const { breaker } = breakerByHand();
    fail(breaker, 2);
    breaker.settle(leave(breaker), 'answered');
    fail(breaker, 2);
    expect(breaker.state()).toBe('closed');
  });

  it('does not count an answer as a failure, however often the far side says no', () => {
    const { breaker } = breakerByHand();
    for (let time = 0; time < 50; time += 1) breaker.settle(leave(breaker), 'answered');
    expect(breaker.state()).toBe('closed');
  });

  it('lets exactly one probe pass when the time is over', () => {
    const { breaker, time } = breakerByHand();
    fail(breaker, 3);
    time.ms += 999;
    expect('ticket' in breaker.admit()).toBe(false);
    time.ms += 1;
    expect(leave(breaker).isProbe).toBe(true);
    const others = Array.from({ length: 20 }, () => breaker.admit());
    expect(others.some((admission) => 'ticket' in admission)).toBe(false);
    expect(breaker.admit()).toMatchObject({ waitMs: 500 });
  });

  it('closes when the probe is answered', () => {
    const { breaker, time, changes } = breakerByHand();
    fail(breaker, 3);
    time.ms += 1_000;
    breaker.settle(leave(breaker), 'answered');
    expect(leave(breaker).isProbe).toBe(false);
    expect(changes).toEqual(['closed → open', 'open → half-open', 'half-open → closed']);
  });

  it('opens again, for longer each time up to a limit, when the probe fails', () => {
    const { breaker, time } = breakerByHand();
    fail(breaker, 3);
    const waits = [1_000, 2_000, 4_000, 4_000].map((expected) => {
      expect(breaker.admit()).toMatchObject({ waitMs: expected });
      time.ms += expected;
      breaker.settle(leave(breaker), 'failed');
      return breaker.state();
    });
    expect(waits).toEqual(['open', 'open', 'open', 'open']);
  });

  it('forgets a probe that never answers and probes again', () => {
    const { breaker, time } = breakerByHand();
    fail(breaker, 3);
    time.ms += 1_000;
    const lost = leave(breaker);
    time.ms += 500;
    expect(breaker.admit()).toMatchObject({ waitMs: 2_000 });
    expect(breaker.state()).toBe('open');
    time.ms += 2_000;
    const second = leave(breaker);
    breaker.settle(lost, 'failed');
    expect(breaker.state()).toBe('half-open');
    breaker.settle(second, 'answered');
    expect(breaker.state()).toBe('closed');
  });

  it('lets another call be the probe at once when the first was not made after all, and waits no longer for it', () => {
    const { breaker, time } = breakerByHand();
    fail(breaker, 3);
    time.ms += 1_000;
    breaker.settle(leave(breaker), 'unused');
    expect(breaker.state()).toBe('open');
    const probe = leave(breaker);
    expect(probe.isProbe).toBe(true);
    breaker.settle(probe, 'failed');
    expect(breaker.admit()).toMatchObject({ waitMs: 2_000 });
  });

  it('learns nothing from calls that were not made', () => {
    const { breaker } = breakerByHand();
    fail(breaker, 2);
    breaker.settle(leave(breaker), 'unused');
    fail(breaker, 1);
    expect(breaker.state()).toBe('open');
  });

  it('is not left half-open when nobody asks until long after the probe was lost', () => {
    const { breaker, time } = breakerByHand();
    fail(breaker, 3);
    time.ms += 1_000;
    leave(breaker);
    time.ms += 3_600_000;
    expect(leave(breaker).isProbe).toBe(true);
  });

  it('believes no answer from before it opened', () => {
    const { breaker, time } = breakerByHand();
    const slow = leave(breaker);
    const alsoSlow = leave(breaker);
    fail(breaker, 3);
    breaker.settle(slow, 'answered');
    expect(breaker.state()).toBe('open');
    time.ms += 1_000;
    const probe = leave(breaker);
    breaker.settle(alsoSlow, 'failed');
    expect(breaker.state()).toBe('half-open');
    breaker.settle(probe, 'answered');
    breaker.settle(probe, 'failed');
    expect(breaker.state()).toBe('closed');
  });

  it('starts with no failures counted after it closed again', () => {
    const { breaker, time } = breakerByHand();
    fail(breaker, 3);
    time.ms += 1_000;
    breaker.settle(leave(breaker), 'answered');
    fail(breaker, 2);
    expect(breaker.state()).toBe('closed');
  });
});
