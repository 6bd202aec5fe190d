import { describe, expect, it } from 'vitest';

import { type DomainsTold, openSenders } from '../../../src/services/relay/senders.ts';
import { handClock } from '../api/hand-clock.ts';

const acme = { authors: ['acme.test'], senders: [] };
const other = { authors: ['other.test'], senders: [] };
const staleMs = 60_000;
const intervalMs = 10_000;
const unverified = { reply: 'senderUnverified', values: { domain: 'other.test' } };
const unknown = { reply: 'senderUnknown', values: { domain: 'other.test' } };

/** A check whose api answers `answer` to what is asked anew; it knows the domains of `names`, if any. */
function openScene(names?: readonly string[]) {
  const clock = handClock();
  const knownOf = (all: readonly string[]) => ({
    domains: { names: new Set(all), any: false, senderSuffices: false },
    seenAt: clock.now().getTime(),
  });
  const scene = {
    clock,
    asked: 0,
    saved: 0,
    answer: async (): Promise<DomainsTold | undefined> => undefined,
    tells: (...all: readonly string[]) => {
      scene.answer = async () => ({ known: knownOf(all), isNew: true });
    },
  };
  const senders = openSenders(
    {
      ask: (anew) => {
        scene.asked += Number(anew);
        return scene.answer();
      },
      clock,
      intervalMs,
      staleMs,
      changed: () => (scene.saved += 1),
    },
    names && knownOf(names),
  );
  return { scene, senders };
}

describe('a sender of a verified domain', () => {
  it('is taken at once, without a question', () => {
    const { scene, senders } = openScene(['acme.test']);

    expect(senders.refusalOf(acme)).toBeUndefined();
    expect(scene.asked).toBe(0);
  });

  it('is taken however old the look is', () => {
    const { scene, senders } = openScene(['acme.test']);
    scene.clock.pass(10 * staleMs);

    expect(senders.refusalOf(acme)).toBeUndefined();
  });

  it('is taken when its domain was verified a moment ago, and known from then on', async () => {
    const { scene, senders } = openScene(['acme.test']);
    scene.tells('acme.test', 'other.test');

    expect(await senders.refusalOf(other)).toBeUndefined();
    expect(senders.refusalOf(other)).toBeUndefined();
    expect(scene).toMatchObject({ asked: 1, saved: 1 });
  });
});

describe('a sender of another domain', () => {
  it('is refused for good when a new look does not know it either', async () => {
    const { scene, senders } = openScene(['acme.test']);
    scene.tells('acme.test');

    expect(await senders.refusalOf(other)).toEqual(unverified);
  });

  it('is taken while nobody ever looked', async () => {
    const { scene, senders } = openScene();
    expect(senders.refusalOf(other)).toBeUndefined();
    expect(senders.ageMs()).toBeUndefined();

    scene.answer = async () => ({ known: undefined, isNew: false });
    await senders.refresh();
    expect(senders.refusalOf(other)).toBeUndefined();
    expect(scene.asked).toBe(0);
  });

  it('is put off while no new look can be had, and taken when the last is too old', async () => {
    const { scene, senders } = openScene(['acme.test']);

    expect(await senders.refusalOf(other)).toEqual(unknown);
    expect(senders.ageMs()).toBe(0);
    scene.clock.pass(staleMs);
    expect(await senders.refusalOf(other)).toBeUndefined();
    expect(senders.ageMs()).toBeUndefined();
  });

  it('is put off where the api answers, but nobody looked since', async () => {
    const { scene, senders } = openScene(['acme.test']);
    scene.tells('acme.test');
    const told = await scene.answer();
    scene.answer = async () => told && { ...told, isNew: false };

    expect(await senders.refusalOf(other)).toEqual(unknown);
  });

  it('is not asked about again for a while after a look in vain', async () => {
    const { scene, senders } = openScene(['acme.test']);
    for (let sent = 0; sent < 5; sent += 1) expect(await senders.refusalOf(other)).toEqual(unknown);
    expect(scene.asked).toBe(1);

    scene.tells('acme.test');
    scene.clock.pass(intervalMs);
    expect(await senders.refusalOf(other)).toEqual(unverified);
  });

  it('shares a look with all that wait, but not one that began before it came', async () => {
    const { scene, senders } = openScene(['acme.test']);
    const answers: ((told: DomainsTold) => void)[] = [];
    scene.answer = () => new Promise((resolve) => answers.push(resolve));
    const first = senders.refusalOf(other);
    await expect.poll(() => answers.length).toBe(1);
    const later = [senders.refusalOf(other), senders.refusalOf(other)];
    scene.tells('acme.test');
    const old = await scene.answer();
    scene.tells('acme.test', 'other.test');
    if (old) answers[0]?.(old);

    expect(await first).toEqual(unverified);
    expect(await Promise.all(later)).toEqual([undefined, undefined]);
    expect(scene.asked).toBe(2);
  });
});

it('a domain that was taken away is refused once that was learnt', async () => {
  const { scene, senders } = openScene(['acme.test', 'other.test']);
  scene.tells('acme.test');
  await senders.refresh();

  expect(await senders.refusalOf(other)).toEqual(unverified);
});
