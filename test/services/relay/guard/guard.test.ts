import { describe, expect, it } from 'vitest';

import { type LogFields, silentLog } from '../../../../src/adapters/log.ts';
import { withinAny } from '../../../../src/domain/ip-address.ts';
import { Secret } from '../../../../src/domain/secret.ts';
import { lockoutRules, openGuard } from '../../../../src/services/relay/guard/guard.ts';
import { openLocalLockouts } from '../../../../src/services/relay/guard/local-lockouts.ts';
import { openLockouts } from '../../../../src/services/relay/guard/lockouts.ts';
import { openQuotas } from '../../../../src/services/relay/guard/quotas.ts';
import { openSharedCounting } from '../../../../src/services/shared-counting.ts';
import type { Login } from '../../../../src/services/relay/sasl.ts';
import type { VerifyAnswer } from '../../../../src/services/relay/session.ts';
import { handClock } from '../../api/hand-clock.ts';
import { relayConfig } from '../running-door.ts';

const home = '192.0.2.7';
const elsewhere = '198.51.100.9';
const gateway = '172.18.0.1';
const minute = 60_000;

function setUp({
  capacity = 1000,
  variables = {},
}: { capacity?: number; variables?: Record<string, string> } = {}) {
  const config = relayConfig('/nowhere', variables);
  const clock = handClock();
  const warnings: { msg: string; fields: LogFields | undefined }[] = [];
  const log = {
    ...silentLog,
    warn: (msg: string, fields?: LogFields) => void warnings.push({ msg, fields }),
  };
  const rules = lockoutRules(config);
  const shared = openSharedCounting({
    clock,
    log,
    redis: undefined,
    retryMs: 1000,
    refill: async () => undefined,
  });
  const lockouts = openLockouts({
    shared,
    local: openLocalLockouts(clock, capacity),
    rules,
    degradedDivisor: 2,
    learned: () => undefined,
  });
  const locked: string[] = [];
  const guard = openGuard({
    clock,
    log,
    lockouts,
    quotas: openQuotas({ clock, shared, capacity }),
    secret: new Secret('secret'),
    tarpitMs: config.LOCKOUT_TARPIT,
    isNeverCounted: withinAny([gateway]),
    locked: (counted) => void locked.push(counted),
  });
  const asked: string[] = [];
  let apiAnswers = true;
  const check = async ({ username, password }: Login): Promise<VerifyAnswer> => {
    asked.push(password.reveal());
    if (!apiAnswers) return { outcome: 'unavailable' };
    if (password.reveal() === 'expired') return { outcome: 'expired' };
    if (username !== 'ann' || password.reveal() !== 'right') return { outcome: 'refused' };
    return { outcome: 'accepted', credential: { id: 'usr_ann', username, senderDomains: [] } };
  };
  const logIn = async (address: string, username: string, password: string) =>
    (await guard.verify(address, { username, password: new Secret(password) }, check)).outcome;
  const guess = async (address: string, username: string, times: number, from = 0) => {
    const outcomes: string[] = [];
    for (let n = from; n < from + times; n += 1) outcomes.push(await logIn(address, username, `wrong ${n}`));
    return outcomes;
  };
  const setApi = (answers: boolean) => {
    apiAnswers = answers;
  };
  return { clock, guard, logIn, guess, asked, locked, warnings, setApi };
}

describe('guessing one password', () => {
  it('ends with a lock of the name for that network, also for the right password, until it is over', async () => {
    const { logIn, guess, clock, locked } = setUp();
    expect(await guess(home, 'ann', 8)).toEqual(Array.from({ length: 8 }, () => 'refused'));
    expect(await logIn(home, 'ann', 'right')).toBe('locked');
    expect(locked).toEqual(['pair']);
    clock.pass(minute);
    expect(await logIn(home, 'ann', 'right')).toBe('accepted');
  });

  it('goes the same way, in the same words, for a name that nobody has', async () => {
    const [known, unknown] = [setUp(), setUp()];
    const fates = await Promise.all([known.guess(home, 'ann', 12), unknown.guess(home, 'nobody', 12)]);
    expect(fates[1]).toEqual(fates[0]);
    expect(unknown.asked.length).toBe(known.asked.length);
  });

  it('counts the same wrong password once, as a client with an old password shows it', async () => {
    const { logIn } = setUp();
    for (let n = 0; n < 100; n += 1) expect(await logIn(home, 'ann', 'the old one')).toBe('refused');
    expect(await logIn(home, 'ann', 'right')).toBe('accepted');
  });

  it('is no guess where it expired, however often a client shows it', async () => {
    const { logIn, guard, locked } = setUp();
    for (let n = 0; n < 100; n += 1) expect(await logIn(home, 'ann', 'expired')).toBe('expired');
    expect([locked, await guard.admit(home), await logIn(home, 'ann', 'right')]).toEqual([
      [],
      'welcome',
      'accepted',
    ]);
  });

  it('asks for no more guesses when a hundred come at once', async () => {
    const { logIn, asked } = setUp();
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, (_, n) => logIn(home, 'ann', `wrong ${n}`)),
    );
    expect(asked).toHaveLength(8);
    expect(outcomes.filter((outcome) => outcome === 'locked')).toHaveLength(92);
  });

  it.each<[string, (n: number) => readonly [string, string], number]>([
    ['one name from a hundred networks', (n: number) => [`203.0.${n}.1`, 'ann'], 15],
    ['a hundred names from one network', (n: number) => [home, `name${n}`], 30],
  ])('asks for no more guesses when they come at once for %s', async (_, attempt, most) => {
    const { logIn, asked } = setUp();
    await Promise.all(Array.from({ length: 100 }, (__, n) => logIn(...attempt(n), `wrong ${n}`)));
    expect(asked).toHaveLength(most);
  });

  it('is locked out for twice as long the second time', async () => {
    const { logIn, guess, clock } = setUp();
    await logIn(home, 'ann', 'right');
    await guess(home, 'ann', 8);
    clock.pass(minute);
    await guess(home, 'ann', 8, 100);
    clock.pass(minute);
    expect(await logIn(home, 'ann', 'right')).toBe('locked');
    clock.pass(minute);
    expect(await logIn(home, 'ann', 'right')).toBe('accepted');
  });

  it('starts afresh after the right password', async () => {
    const { logIn, guess } = setUp();
    await guess(home, 'ann', 7);
    expect(await logIn(home, 'ann', 'right')).toBe('accepted');
    await guess(home, 'ann', 7, 100);
    expect(await logIn(home, 'ann', 'right')).toBe('accepted');
  });

  it('is answered after a pause', async () => {
    const { logIn, clock } = setUp({ variables: { LOCKOUT_TARPIT: '3s' } });
    const before = clock.monotonicMs();
    await logIn(home, 'ann', 'wrong');
    expect(clock.monotonicMs() - before).toBe(3000);
    await logIn(home, 'ann', 'right');
    expect(clock.monotonicMs() - before).toBe(3000);
  });

  it('counts nothing while the api does not answer', async () => {
    const { logIn, guess, setApi } = setUp();
    setApi(false);
    expect(await guess(home, 'ann', 50)).toEqual(Array.from({ length: 50 }, () => 'unavailable'));
    setApi(true);
    expect(await logIn(home, 'ann', 'right')).toBe('accepted');
  });
});

describe('guessing many names', () => {
  it('turns the whole network away at the door, and no other', async () => {
    const { guard, logIn, locked } = setUp();
    for (let n = 0; n < 30; n += 1) await logIn(home, `name${n}`, 'letmein');
    expect(locked).toEqual(['network']);
    expect(await guard.admit('192.0.2.200')).toBe('turned-away');
    expect(await guard.admit('192.0.3.7')).toBe('welcome');
    expect(await logIn('192.0.2.200', 'ann', 'right')).toBe('locked');
    expect(await logIn(elsewhere, 'ann', 'right')).toBe('accepted');
  });

  it('sees an IPv6 customer as one, whatever address of theirs it comes from', async () => {
    const { guard, logIn } = setUp();
    for (let n = 0; n < 30; n += 1) await logIn(`2001:db8:0:1::${n.toString(16)}`, `name${n}`, 'letmein');
    expect(await guard.admit('2001:db8:0:1:ffff::1')).toBe('turned-away');
    expect(await guard.admit('2001:db8:0:2::1')).toBe('welcome');
  });
});

describe('a stranger', () => {
  const guessFromEverywhere = async (logIn: ReturnType<typeof setUp>['logIn']) => {
    for (let n = 0; n < 15; n += 1) await logIn(`203.0.${n}.1`, 'ann', `wrong ${n}`);
  };

  it('locks a name for those who were never there, and not where the user logged in before', async () => {
    const { logIn, locked, clock } = setUp();
    await logIn(home, 'ann', 'right');
    await guessFromEverywhere(logIn);
    expect(locked).toEqual(['username']);
    expect(await logIn(elsewhere, 'ann', 'right')).toBe('locked');
    expect(await logIn('192.0.2.99', 'ann', 'right')).toBe('accepted');
    clock.pass(30 * 24 * 60 * minute + 1);
    await guessFromEverywhere(logIn);
    expect(await logIn(home, 'ann', 'right')).toBe('locked');
  });

  it('in the network of a user is stopped by the two together, and locks nobody elsewhere', async () => {
    const { logIn, guess } = setUp();
    await logIn(home, 'ann', 'right');
    expect((await guess('192.0.2.66', 'ann', 20)).slice(8)).not.toContain('refused');
    expect(await logIn(elsewhere, 'ann', 'right')).toBe('accepted');
  });
});

describe('an address that stands for many clients', () => {
  it('is never turned away, makes no network known, and its guesses still lock the name', async () => {
    const { guard, logIn, guess, locked } = setUp();
    await logIn(gateway, 'ann', 'right');
    for (let n = 0; n < 100; n += 1) await logIn(gateway, `name${n}`, 'letmein');
    expect(await guard.admit(gateway)).toBe('welcome');
    expect(await logIn(gateway, 'ann', 'right')).toBe('accepted');
    await guess(gateway, 'ann', 15);
    expect(locked).toEqual(['username']);
    expect(await logIn(gateway, 'ann', 'right')).toBe('locked');
  });
});

describe('the memory of a guard', () => {
  it('is bounded, however many names of whatever length are tried', async () => {
    const { logIn } = setUp({ capacity: 100 });
    const long = 'x'.repeat(8000);
    for (let n = 0; n < 500; n += 1) await logIn(elsewhere, `${n}${long}`, 'wrong');
    expect(await logIn(home, 'ann', 'right')).toBe('accepted');
  });

  it('holds no password, and the log neither', async () => {
    const { guess, warnings } = setUp();
    await guess(home, 'ann', 8);
    expect(warnings).toEqual([
      { msg: 'locked after failed logins', fields: { subject: 'pair:192.0.2.0/24 ann' } },
    ]);
  });
});
