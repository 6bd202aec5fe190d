import { describe, expect, it } from 'vitest';

import type { LaneProblem } from '../../../src/domain/delivery.ts';
import { openBreaker } from '../../../src/services/breaker.ts';
import { openLane } from '../../../src/services/worker/lane.ts';

const accepted = { outcome: 'accepted', recipients: new Map() } as const;
const blocked = { outcome: 'blocked', problem: 'invalid-key', reason: 'bad key' } as const;
const unclear = { outcome: 'unclear', reason: 'reset' } as const;

function laneAt(time: { ms: number }) {
  const heard: (LaneProblem | undefined)[] = [];
  const settings = { failures: 3, openMs: 100, longestOpenMs: 400, probeMs: 1000 };
  const lane = openLane(openBreaker(settings, { monotonicMs: () => time.ms }), {
    failures: settings.failures,
    blocked: (block) => heard.push(block?.problem),
  });
  const pass = (handover: Parameters<typeof lane.report>[1]) => {
    const ticket = lane.enter();
    if (ticket) lane.report(ticket, handover);
    return ticket !== undefined;
  };
  return { lane, heard, pass };
}

describe('the lane to Postal', () => {
  it('closes at the first answer that blocks everyone, and says so', () => {
    const { lane, heard, pass } = laneAt({ ms: 0 });
    pass(blocked);
    expect(pass(accepted)).toBe(false);
    expect(lane.room(20)).toBe(0);
    expect(heard).toEqual(['invalid-key']);
  });

  it('lets one message try after a while, and all of them once it got through', () => {
    const time = { ms: 0 };
    const { lane, heard, pass } = laneAt(time);
    pass(blocked);
    pass(accepted);
    time.ms = 100;
    expect(lane.room(20)).toBe(1);
    expect(pass(accepted)).toBe(true);
    expect(lane.room(20)).toBe(20);
    expect(heard).toEqual(['invalid-key', undefined]);
  });

  it('puts right what another worker left on record, and says nothing while the record is right', () => {
    const time = { ms: 0 };
    const { lane, heard, pass } = laneAt(time);
    pass(accepted);
    lane.recorded(null);
    pass(accepted);
    expect(heard).toEqual([undefined]);
    lane.recorded('suspended');
    pass(accepted);
    expect(heard).toEqual([undefined, undefined]);
    pass(blocked);
    lane.recorded('invalid-key');
    time.ms = 100;
    pass(blocked);
    expect(heard).toEqual([undefined, undefined, 'invalid-key']);
    lane.recorded(null);
    time.ms = 300;
    pass(blocked);
    expect(heard).toEqual([undefined, undefined, 'invalid-key', 'invalid-key']);
  });

  it('closes after several unclear ends in a row, not after one', () => {
    const { pass } = laneAt({ ms: 0 });
    expect([pass(unclear), pass(unclear), pass(unclear), pass(unclear)]).toEqual([true, true, true, false]);
  });

  it('stays open however many messages are refused for themselves', () => {
    const { pass } = laneAt({ ms: 0 });
    const refused = { outcome: 'refused', reason: 'no verified domain' } as const;
    expect(Array.from({ length: 9 }, () => pass(refused))).not.toContain(false);
  });

  it('lets the next message try at once when the one that was let in had nothing to send', () => {
    const time = { ms: 0 };
    const { lane, pass } = laneAt(time);
    pass(blocked);
    time.ms = 100;
    const idle = lane.enter();
    expect(lane.enter()).toBeUndefined();
    if (idle) lane.forgo(idle);
    expect(lane.room(20)).toBe(1);
    expect(pass(accepted)).toBe(true);
    expect(lane.room(20)).toBe(20);
  });

  it('waits for its next try as the breaker says, not until the try before it would have been given up', () => {
    const time = { ms: 0 };
    const { lane, pass } = laneAt(time);
    pass(blocked);
    time.ms = 100;
    const probe = lane.enter();
    pass(accepted);
    if (probe) lane.report(probe, unclear);
    expect(pass(accepted)).toBe(false);
    expect(lane.room(20)).toBe(0);
    time.ms = 299;
    expect(lane.room(20)).toBe(0);
    time.ms = 300;
    expect(lane.room(20)).toBe(1);
  });

  it('is not opened again by leave that is given back after a report', () => {
    const { lane } = laneAt({ ms: 0 });
    const ticket = lane.enter();
    if (ticket) {
      lane.report(ticket, blocked);
      lane.forgo(ticket);
    }
    expect(lane.enter()).toBeUndefined();
  });

  it('believes nothing of what began before: no late success while it is blocked, no late block once it is not', () => {
    const time = { ms: 0 };
    const { lane, heard, pass } = laneAt(time);
    const slow = [lane.enter(), lane.enter()];
    pass(blocked);
    if (slow[0]) lane.report(slow[0], accepted);
    expect(heard).toEqual(['invalid-key']);
    time.ms = 100;
    pass(accepted);
    if (slow[1]) lane.report(slow[1], blocked);
    expect(heard).toEqual(['invalid-key', undefined]);
    expect(lane.isOpen()).toBe(true);
  });

  it('goes on saying that it is blocked while its tries fail in other ways', () => {
    const time = { ms: 0 };
    const { heard, pass } = laneAt(time);
    pass(blocked);
    pass(unclear);
    time.ms = 100;
    pass(unclear);
    expect(heard).toEqual(['invalid-key']);
  });

  it('says once that messages get through, also when it was an earlier worker that could not', () => {
    const { heard, pass } = laneAt({ ms: 0 });
    pass(accepted);
    pass(accepted);
    expect(heard).toEqual([undefined]);
  });

  it('says what stands in the way once, and again when it is something else', () => {
    const time = { ms: 0 };
    const { heard, pass } = laneAt(time);
    pass(blocked);
    time.ms = 1000;
    pass(blocked);
    time.ms = 5000;
    pass({ outcome: 'blocked', problem: 'unreachable', reason: 'connection refused' });
    expect(heard).toEqual(['invalid-key', 'unreachable']);
  });
});
