import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { lockerHost, type RunningWorkers, verdictOn } from '../../src/domain/postal-rescue.ts';

const at = (time: string) => new Date(`2026-11-27T${time}Z`);
const now = at('12:00:00');
const none: RunningWorkers = { known: 'all', since: [] };
const since = (...times: string[]): RunningWorkers => ({ known: 'all', since: times.map(at) });
const row = (lockedAt: string, end?: string, lockedBy = 'host:postal-worker pid:1 thread:2 4f') => ({
  lockedBy,
  lockedAt: at(lockedAt),
  end,
});

describe('a row that a worker of Postal has locked', () => {
  it.each([
    ['released where no worker runs', none, row('11:59:59'), 'release'],
    ['released when it was locked before the worker began', since('11:00:00'), row('10:59:59'), 'release'],
    ['left when the worker that runs may have locked it', since('11:00:00'), row('11:00:00'), 'leave'],
    [
      'left when only one of two workers began after it',
      since('11:00:00', '10:00:00'),
      row('10:30:00'),
      'leave',
    ],
    ['left in the second in which the worker began', since('11:00:00.700'), row('11:00:00.100'), 'leave'],
    ['settled when it was sent after it was locked', none, row('10:00:00', 'Sent'), 'settle'],
    ['settled when it failed for good', none, row('10:00:00', 'HardFail'), 'settle'],
    ['released when it is to be tried again anyway', none, row('10:00:00', 'SoftFail'), 'release'],
    [
      'left where it was sent, but the worker still runs',
      since('09:00:00'),
      row('10:00:00', 'Sent'),
      'leave',
    ],
    ['left when a restore locked it for years', none, row('12:00:01'), 'leave'],
  ] as const)('is %s', (_what, workers, locked, verdict) => {
    expect(verdictOn(locked, workers, now)).toBe(verdict);
  });

  const hosts: RunningWorkers = { known: 'hosts', since: new Map([['one', at('11:00:00')]]) };
  it.each([
    ['its own host began again after it', 'host:one pid:1 thread:0 ab', 'release'],
    ['nothing is known of its host', 'host:two pid:1 thread:0 ab', 'leave'],
    ['nobody is named', '', 'leave'],
  ])('inside the stack is judged by its host: %s', (_what, lockedBy, verdict) => {
    expect(verdictOn(row('10:00:00', undefined, lockedBy), hosts, now)).toBe(verdict);
  });

  it('is never taken from a worker that runs, whenever it was locked', () => {
    const ms = fc.integer({ min: 0, max: 86_400_000 });
    fc.assert(
      fc.property(
        fc.array(ms, { minLength: 1 }),
        ms,
        fc.constantFrom(undefined, 'Sent', 'SoftFail'),
        (began, after, end) => {
          const running: RunningWorkers = { known: 'all', since: began.map((each) => new Date(each)) };
          const locked = { lockedBy: '', lockedAt: new Date(Math.min(...began) + after), end };
          expect(verdictOn(locked, running, new Date(1e12))).toBe('leave');
        },
      ),
    );
  });

  it('names its host first', () => {
    expect(lockerHost('host:mx1.example.com pid:7 thread:1')).toBe('mx1.example.com');
    expect(lockerHost('pid:7')).toBe('');
  });
});
