import { describe, expect, it } from 'vitest';

import { openLeaseWatch } from '../../../src/services/worker/lease-watch.ts';
import { standingClock } from '../../fakes/standing-clock.ts';

function watched() {
  const clock = standingClock();
  return { clock, leases: openLeaseWatch({ leaseMs: 180_000, stallMs: 120_000 }, clock) };
}

describe('the watch over leases', () => {
  it('counts those that are held and those whose time is over, and knows the last renewal', () => {
    const { clock, leases } = watched();
    leases.claimed(['msg_1', 'msg_2', 'msg_3']);
    clock.advance(100_000);
    leases.renewal('msg_1', true);
    leases.ended(['msg_3']);
    expect(leases.figures()).toEqual({ held: 2, overdue: 0, sinceRenewalMs: 0 });
    clock.advance(80_001);
    expect(leases.figures()).toEqual({ held: 2, overdue: 1, sinceRenewalMs: 80_001 });
  });

  it('finds that renewals fail all the time, and that one succeeds again', async () => {
    const { clock, leases } = watched();
    leases.claimed(['msg_1']);
    for (let turn = 0; turn < 4; turn += 1) {
      leases.renewal('msg_1', false);
      expect((await leases.probe()).ok).toBe(true);
      clock.advance(40_000);
    }
    leases.renewal('msg_1', false);
    expect(await leases.probe()).toMatchObject({
      ok: false,
      why: expect.stringContaining('for 160 s, none was; 1 held, 0 overdue'),
    });
    leases.renewal('msg_1', true);
    expect((await leases.probe()).ok).toBe(true);
  });

  it('finds nothing wrong when one failed and nothing is sent any more', async () => {
    const { clock, leases } = watched();
    leases.renewal('msg_1', false);
    clock.advance(121_000);
    expect((await leases.probe()).ok).toBe(true);
    leases.renewal('msg_2', false);
    clock.advance(121_000);
    expect((await leases.probe()).ok).toBe(true);
  });
});
