import { describe, expect, it } from 'vitest';

import { silentLog } from '../../../../src/adapters/log.ts';
import { openQuotas } from '../../../../src/services/relay/guard/quotas.ts';
import { replyText, type Said } from '../../../../src/services/relay/replies.ts';
import type { Credential } from '../../../../src/services/relay/session.ts';
import { openSharedCounting } from '../../../../src/services/shared-counting.ts';
import { handClock } from '../../api/hand-clock.ts';

const hour = 3_600_000;
const ann: Credential = { id: 'usr_ann', username: 'ann', senderDomains: [] };

function setUp() {
  const clock = handClock(new Date('2026-03-01T20:00:00Z'));
  const shared = openSharedCounting({
    clock,
    log: silentLog,
    redis: undefined,
    retryMs: 1000,
    refill: async () => undefined,
  });
  const quotas = openQuotas({ clock, shared, capacity: 10 });
  const take = async (credential: Credential) => words(await quotas.take(credential));
  const takeMany = async (credential: Credential, times: number) => {
    const said: string[] = [];
    for (let n = 0; n < times; n += 1) said.push(await take(credential));
    return said;
  };
  return { clock, quotas, take, takeMany };
}

function words(said: Said | undefined): string {
  return said === undefined ? 'taken' : replyText(said).trimEnd();
}

it('asks nothing of who has neither rate nor limit', () => {
  expect(setUp().quotas.take(ann)).toBeUndefined();
});

describe('a rate', () => {
  const bounded = { ...ann, rate: { messages: 3, periodMs: hour } };

  it('may be used at once, and says when the next message may come', async () => {
    const { takeMany, clock, take } = setUp();
    expect(await takeMany(bounded, 4)).toEqual([
      'taken',
      'taken',
      'taken',
      '450 4.7.1 The rate of 3/1h is used up, try again in 1200 seconds',
    ]);
    clock.pass(hour / 3 - 1);
    expect(await take(bounded)).toBe('450 4.7.1 The rate of 3/1h is used up, try again in 1 seconds');
    clock.pass(1);
    expect(await take(bounded)).toBe('taken');
    expect(await take(bounded)).toContain('450 4.7.1');
  });

  it('is each user’s own', async () => {
    const { takeMany, take } = setUp();
    await takeMany(bounded, 4);
    expect(await take({ ...bounded, id: 'usr_bob' })).toBe('taken');
  });
});

describe('a daily limit', () => {
  const bounded = { ...ann, daily: { limit: 5, sent: 3, at: '2026-03-01T20:00:00.000Z' } };

  it('counts what was begun here on top of what the api knew, and says when the day ends', async () => {
    const { takeMany } = setUp();
    expect(await takeMany(bounded, 3)).toEqual([
      'taken',
      'taken',
      '450 4.7.1 The limit of 5 messages a day is used up, try again in 14400 seconds',
    ]);
  });

  it('believes the api when it answers anew', async () => {
    const { takeMany } = setUp();
    await takeMany(bounded, 2);
    const later = { ...bounded, daily: { limit: 5, sent: 4, at: '2026-03-01T20:01:00.000Z' } };
    expect(await takeMany(later, 2)).toEqual(['taken', expect.stringContaining('450')]);
  });

  it('starts over at midnight UTC, also while the api does not answer', async () => {
    const { takeMany, clock } = setUp();
    expect((await takeMany(bounded, 3)).at(-1)).toContain('450');
    clock.pass(4 * hour);
    expect((await takeMany(bounded, 6)).map((said) => said.slice(0, 5))).toEqual([
      'taken',
      'taken',
      'taken',
      'taken',
      'taken',
      '450 4',
    ]);
  });

  it('takes nothing from the rate when the day is used up', async () => {
    const { take, clock } = setUp();
    const rate = { messages: 1, periodMs: 24 * hour };
    expect(await take({ ...bounded, rate, daily: { ...bounded.daily, sent: 5 } })).toContain(
      '4.7.1 The limit',
    );
    clock.pass(4 * hour);
    expect(await take({ ...bounded, rate })).toBe('taken');
  });
});
