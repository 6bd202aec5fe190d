import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { listLocks, removeLock } from '../../../src/upkeep/bans.ts';
import { type PrivateRedis, privateRedis } from '../../engines/private-redis.ts';
import { until } from '../api/until.ts';
import { type GuardedRelay, guardedRelay, redisTimeoutMs } from './guarded-relay.ts';

const home = '192.0.2.7';
const elsewhere = '198.51.100.9';
const stranger = (n: number) => `203.0.${n}.1`;
const away = 'Redis does not answer: this process counts alone';
const back = 'Redis answers again: all processes count together';

let redis: PrivateRedis;
const relays: GuardedRelay[] = [];

beforeEach(async () => {
  redis = await privateRedis();
});

afterEach(async () => {
  for (const relay of relays.splice(0)) await relay[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

async function relayOf(variables?: Readonly<Record<string, string>>): Promise<GuardedRelay> {
  const relay = await guardedRelay(redis.url, variables);
  relays.push(relay);
  return relay;
}

async function isBack(relay: GuardedRelay): Promise<void> {
  await until(async () => (await relay.metric('mailctl_limiter_degraded')) === 0);
}

describe('relays that share a Redis', () => {
  it('count together, and each keeps to the lock of the other', async () => {
    const [one, two] = [await relayOf(), await relayOf()];
    for (let n = 0; n < 4; n += 1) await one.logIn(home, 'ann', `wrong one ${n}`);
    expect(await two.guessUntilLocked(home, 'ann')).toBe(4);
    expect(await one.logIn(home, 'ann', 'right')).toBe('locked');
    expect(await one.logIn(elsewhere, 'ann', 'right')).toBe('accepted');
    expect(await two.metric('mailctl_lockouts_total')).toBe(1);
  });

  it('count the same wrong password once, whichever of them hears it', async () => {
    const [one, two] = [await relayOf(), await relayOf()];
    for (let n = 0; n < 20; n += 1) {
      expect(await (n % 2 === 0 ? one : two).logIn(home, 'ann', 'the old one')).toBe('refused');
    }
    expect(await two.logIn(home, 'ann', 'right')).toBe('accepted');
  });

  it('know of each other where a user is at home, whom no stranger can lock out there', async () => {
    const [one, two] = [await relayOf(), await relayOf()];
    expect(await one.logIn(home, 'ann', 'right')).toBe('accepted');
    for (let n = 0; n < 15; n += 1) await two.logIn(stranger(n), 'ann', `wrong ${n}`);
    expect(await two.logIn(elsewhere, 'ann', 'right')).toBe('locked');
    expect(await two.logIn('192.0.2.99', 'ann', 'right')).toBe('accepted');
  });

  it('turn a network away that tries many names', async () => {
    const [one, two] = [await relayOf(), await relayOf()];
    for (let n = 0; n < 30; n += 1) await one.logIn(home, `name${n}`, 'letmein');
    expect(await two.guard.admit('192.0.2.99')).toBe('turned-away');
    expect(await two.guard.admit(elsewhere)).toBe('welcome');
  });

  it('let a lock end by itself, and make the next one longer', async () => {
    const relay = await relayOf({ LOCKOUT_FIRST: '150ms' });
    await relay.logIn(home, 'ann', 'right');
    const lockedFor = async () => {
      await relay.guessUntilLocked(home, 'ann');
      return Number(await relay.redis.call('PTTL', 'mailctl:lock:pair:192.0.2.0/24 ann'));
    };
    expect(await lockedFor()).toBeLessThanOrEqual(150);
    await until(async () => (await relay.logIn(home, 'ann', 'right')) === 'accepted');
    expect(await lockedFor()).toBeGreaterThan(150);
  });

  it('forget everything by themselves: no key is kept without an end', async () => {
    const relay = await relayOf();
    await relay.logIn(home, 'ann', 'right');
    await relay.guessUntilLocked(home, 'ann');
    const keys = await relay.redis.call('KEYS', '*');
    expect(Array.isArray(keys) && keys.length > 5).toBe(true);
    for (const key of Array.isArray(keys) ? keys : []) {
      expect(Number(await relay.redis.call('PTTL', String(key)))).toBeGreaterThan(0);
    }
    expect(JSON.stringify(keys)).not.toContain('wrong');
  });
});

describe('a Redis that is stopped under attack', () => {
  it('opens nothing: what was counted goes on counting, more strictly', async () => {
    const relay = await relayOf();
    for (let n = 0; n < 3; n += 1) await relay.logIn(home, 'ann', `before ${n}`);
    await redis.stop();
    expect(await relay.guessUntilLocked(home, 'ann')).toBe(1);
    expect(await relay.guessUntilLocked(elsewhere, 'bob')).toBe(4);
    expect(await relay.metric('mailctl_limiter_degraded')).toBe(1);
  });

  it('leaves locked what was locked, and free what was set free before', async () => {
    const relay = await relayOf();
    for (const address of [home, elsewhere]) {
      await relay.logIn(address, 'ann', 'right');
      await relay.guessUntilLocked(address, 'ann');
    }
    for (const { subject } of await listLocks(relay.redis)) {
      if (subject !== 'pair:198.51.100.0/24 ann') await removeLock(relay.redis, subject);
    }
    expect(await relay.logIn(home, 'ann', 'right')).toBe('accepted');
    await redis.stop();
    expect(await relay.logIn(home, 'ann', 'right')).toBe('accepted');
    expect(await relay.logIn(elsewhere, 'ann', 'right')).toBe('locked');
  });

  it('locks nobody out who was not attacked', async () => {
    const relay = await relayOf();
    await redis.stop();
    await relay.guessUntilLocked(elsewhere, 'bob');
    expect(await relay.guard.admit(home)).toBe('welcome');
    expect(await relay.logIn(home, 'ann', 'right')).toBe('accepted');
  });

  it('is said once when it goes and once when it is back, whatever happens between', async () => {
    const relay = await relayOf();
    await redis.stop();
    await relay.guessUntilLocked(home, 'ann');
    await redis.start();
    await isBack(relay);
    expect(relay.logged.filter((line) => [away, back].includes(line))).toEqual([away, back]);
  });

  it('takes over, when it is back, what was locked meanwhile, and tells the other relays', async () => {
    const [one, two] = [await relayOf(), await relayOf()];
    await redis.stop();
    await one.guessUntilLocked(home, 'ann');
    await redis.start();
    await isBack(one);
    expect(await one.logIn(home, 'ann', 'right')).toBe('locked');
    await until(async () => (await two.logIn(home, 'ann', 'right')) === 'locked');
  });

  it('learns again, when it was restarted between two questions, where users are at home', async () => {
    const relay = await relayOf();
    await relay.logIn(home, 'ann', 'right');
    await redis.stop();
    await redis.start();
    await until(async () => {
      const known = await relay.redis.call('EXISTS', 'mailctl:known:ann 192.0.2.0/24').catch(() => 0);
      return known === 1;
    });
  });

  it('loses no exemption, even when the relay is restarted too', async () => {
    const before = await relayOf();
    await before.logIn(home, 'ann', 'right');
    await before.guard.stop();
    await redis.stop();
    await redis.start();
    const after = await guardedRelay(redis.url, {}, before.kept());
    relays.push(after);
    await until(async () => (await after.redis.call('EXISTS', 'mailctl:known:ann 192.0.2.0/24')) === 1);
    for (let n = 0; n < 15; n += 1) await after.logIn(stranger(n), 'ann', `wrong ${n}`);
    expect(await after.logIn(elsewhere, 'ann', 'right')).toBe('locked');
    expect(await after.logIn(home, 'ann', 'right')).toBe('accepted');
  });

  it('need not be there when a relay starts', async () => {
    await redis.stop();
    const relay = await relayOf();
    expect(await relay.logIn(home, 'ann', 'right')).toBe('accepted');
    expect(await relay.guessUntilLocked(elsewhere, 'bob')).toBe(4);
    await redis.start();
    await isBack(relay);
    expect(await relay.logIn(elsewhere, 'bob', 'x')).toBe('locked');
  });

  it('does not stop a relay from ending', async () => {
    const relay = await relayOf();
    await redis.stop();
    await relay.logIn(home, 'ann', 'wrong');
    await relay.guard.stop();
    expect(relay.logged).toEqual([away]);
  });
});

describe('a Redis that hangs', () => {
  it('costs one client its timeout, and the rest nothing', async () => {
    const relay = await relayOf();
    redis.pause();
    const began = performance.now();
    expect(await relay.guard.admit(home)).toBe('welcome');
    const first = performance.now() - began;
    expect(await relay.guessUntilLocked(home, 'ann')).toBe(4);
    expect(first).toBeGreaterThanOrEqual(redisTimeoutMs - 5);
    expect(performance.now() - began - first).toBeLessThan(redisTimeoutMs);
    expect(await relay.metric('mailctl_limiter_degraded')).toBe(1);
    redis.resume();
    await isBack(relay);
    expect(await relay.logIn(home, 'ann', 'right')).toBe('locked');
  });
});

describe('a rate that relays share', () => {
  const bounded = {
    id: 'usr_ann',
    username: 'ann',
    senderDomains: [],
    rate: { messages: 4, periodMs: 3_600_000 },
  };
  const begin = async (relay: GuardedRelay) =>
    (await relay.guard.permit(home, bounded, () => ({ outcome: 'permitted', credential: bounded }))).outcome;

  it('is used up by all of them together, and comes back with time', async () => {
    const [one, two] = [await relayOf(), await relayOf()];
    const outcomes = [
      await begin(one),
      await begin(two),
      await begin(one),
      await begin(two),
      await begin(one),
      await begin(two),
    ];
    expect(outcomes).toEqual(['permitted', 'permitted', 'permitted', 'permitted', 'limited', 'limited']);
    const left = Number(await one.redis.call('PTTL', 'mailctl:rate:smtp:usr_ann'));
    expect(left).toBeGreaterThan(3_590_000);
    expect(left).toBeLessThanOrEqual(3_600_000);
  });

  it('is not opened by a Redis that is gone: what this relay took is counted', async () => {
    const relay = await relayOf();
    for (let n = 0; n < 3; n += 1) expect(await begin(relay)).toBe('permitted');
    await redis.stop();
    expect([await begin(relay), await begin(relay)]).toEqual(['permitted', 'limited']);
  });
});
