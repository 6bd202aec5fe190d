import { describe, expect, it } from 'vitest';

import { systemClock } from '../../../src/adapters/clock.ts';
import { type EndpointGates, openGates } from '../../../src/services/worker/endpoint-gates.ts';

const settings = { failures: 2, openMs: 100, longestOpenMs: 400, probeMs: 1000 };

const roomOf = (gates: EndpointGates) =>
  Object.fromEntries([...gates.standings()].map(([id, { room }]) => [id, room]));

function gatesAt(time: { ms: number }) {
  const gates = openGates(3, settings, { ...systemClock, monotonicMs: () => time.ms });
  const call = (id: string, outcome: 'answered' | 'failed') => {
    const ticket = gates.enter(id);
    if (ticket) gates.leave(id, ticket, outcome);
    return ticket !== undefined;
  };
  return { gates, call };
}

describe('the gates of endpoints', () => {
  it('count what is under way for each endpoint alone', () => {
    const { gates } = gatesAt({ ms: 0 });
    gates.enter('whe_1');
    gates.enter('whe_1');
    gates.enter('whe_2');
    expect(roomOf(gates)).toEqual({ whe_1: 1, whe_2: 2 });
  });

  it('close after failures in a row, for that endpoint only', () => {
    const { gates, call } = gatesAt({ ms: 0 });
    call('whe_2', 'answered');
    expect([call('whe_1', 'failed'), call('whe_1', 'failed'), call('whe_1', 'failed')]).toEqual([
      true,
      true,
      false,
    ]);
    expect(roomOf(gates)).toEqual({ whe_1: 0, whe_2: 3 });
    expect(gates.closed()).toBe(1);
  });

  it('let one webhook try after a while, and all when it was answered', () => {
    const time = { ms: 0 };
    const { gates, call } = gatesAt(time);
    for (let turn = 0; turn < 3; turn += 1) call('whe_1', 'failed');
    time.ms = 100;
    expect(roomOf(gates)['whe_1']).toBe(1);
    const probe = gates.enter('whe_1');
    expect(roomOf(gates)['whe_1']).toBe(0);
    expect(gates.enter('whe_1')).toBeUndefined();
    if (probe) gates.leave('whe_1', probe, 'answered');
    expect(roomOf(gates)['whe_1']).toBe(3);
    expect(gates.closed()).toBe(0);
  });

  it('send an endpoint that failed last one at a time until it answers', () => {
    const { gates, call } = gatesAt({ ms: 0 });
    call('whe_1', 'failed');
    expect(gates.standings().get('whe_1')).toEqual({ room: 1, under: 0, isFailing: true });
    const ticket = gates.enter('whe_1');
    expect(gates.standings().get('whe_1')).toEqual({ room: 0, under: 1, isFailing: true });
    if (ticket) gates.leave('whe_1', ticket, 'unused');
    expect(roomOf(gates)).toEqual({ whe_1: 1 });
    call('whe_1', 'answered');
    expect(gates.standings().get('whe_1')).toEqual({ room: 3, under: 0, isFailing: false });
  });
});
