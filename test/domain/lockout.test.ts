import { describe, expect, it } from 'vitest';

import {
  addFailure,
  countedSubjects,
  type FailureRecord,
  loginNetworkOf,
  type LockoutRules,
  lockSteps,
  originSubjects,
  stricter,
} from '../../src/domain/lockout.ts';

const minute = 60_000;
const rules: LockoutRules = {
  failures: { network: 30, username: 15, pair: 8 },
  windowMs: 15 * minute,
  firstMs: minute,
  longestMs: 5 * minute,
  memoryMs: 60 * minute,
  knownMs: 1,
};

function failAt(times: readonly number[], most: number, record?: FailureRecord): FailureRecord | undefined {
  return times.reduce<FailureRecord | undefined>((kept, at) => addFailure(kept, most, rules, at), record);
}

describe('the network that failed logins add up for', () => {
  it.each([
    ['192.0.2.77', '192.0.2.0/24'],
    ['::ffff:192.0.2.77', '192.0.2.0/24'],
    ['2001:db8:0:7:aaaa::1', '2001:db8:0:7::/64'],
    ['nonsense', 'unknown'],
  ])('of %s is %s', (address, network) => {
    expect(loginNetworkOf(address)).toBe(network);
  });

  it('is locked beside the address itself', () => {
    expect(originSubjects('::ffff:192.0.2.77')).toEqual(['network:192.0.2.0/24', 'address:192.0.2.77']);
  });
});

describe('a failure', () => {
  it('counts for the network, the name and the two together', () => {
    expect(
      countedSubjects({ address: '192.0.2.7', username: 'ann' }, false).map(({ subject }) => subject),
    ).toEqual(['network:192.0.2.0/24', 'username:ann', 'pair:192.0.2.0/24 ann']);
  });

  it('does not count for the name where the user is at home, nor for an address that stands for many', () => {
    const subjects = (address: string | undefined, isKnown: boolean) =>
      countedSubjects({ address, username: 'ann' }, isKnown).map(({ counted }) => counted);
    expect(subjects('192.0.2.7', true)).toEqual(['network', 'pair']);
    expect(subjects(undefined, false)).toEqual(['username']);
  });
});

describe('a lock', () => {
  it('comes with the failure that fills the window, not before', () => {
    expect(failAt([0, 1], 3)?.lockedUntilMs).toBe(0);
    expect(failAt([0, 1, 2], 3)?.lockedUntilMs).toBe(2 + minute);
  });

  it('does not come when the failures are further apart than the window', () => {
    expect(failAt([0, 15 * minute, 30 * minute, 45 * minute], 2)?.lockedUntilMs).toBe(0);
  });

  it('is twice as long each time, up to the longest', () => {
    const lengths = [1, 2, 3, 4, 5].map((n) => {
      const last = 10 * minute * n;
      const record = failAt(
        Array.from({ length: n }, (_, k) => 10 * minute * (k + 1)),
        1,
      );
      return ((record?.lockedUntilMs ?? 0) - last) / minute;
    });
    expect(lengths).toEqual([1, 2, 4, 5, 5]);
  });

  it('is short again when the last one is longer ago than the memory', () => {
    const once = failAt([0], 1);
    const muchLater = minute + 60 * minute;
    expect((failAt([muchLater - 1], 1, once)?.lockedUntilMs ?? 0) - muchLater + 1).toBe(2 * minute);
    expect((failAt([muchLater], 1, once)?.lockedUntilMs ?? 0) - muchLater).toBe(minute);
  });

  it('has lengths that never end below the longest, even where the first is longer', () => {
    expect(lockSteps(rules)).toEqual([minute, 2 * minute, 4 * minute, 5 * minute]);
    expect(lockSteps({ ...rules, firstMs: 0, longestMs: 1 })).toEqual([1]);
    expect(lockSteps({ ...rules, firstMs: 10 * minute })).toEqual([5 * minute]);
  });

  it('comes after a part of the failures where counting is strict, but after one at least', () => {
    expect(stricter(rules, 4).failures).toEqual({ network: 7, username: 3, pair: 2 });
    expect(stricter(rules, 100).failures).toEqual({ network: 1, username: 1, pair: 1 });
  });
});
