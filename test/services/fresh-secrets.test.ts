import { expect, it, vi } from 'vitest';

import type { Log } from '../../src/adapters/log.ts';
import { silentLog } from '../../src/adapters/log.ts';
import { keepSecretsFresh } from '../../src/services/fresh-secrets.ts';
import { standingClock } from '../fakes/standing-clock.ts';

/** A watch whose world says at each look what the test put there. */
function rig() {
  const clock = standingClock();
  const world = {
    changed: [] as string[],
    works: true,
    held: 'old',
    told: '',
    toldOther: '',
    renewed: 0,
    reported: 0,
    warned: [] as string[],
  };
  const log: Log = { ...silentLog, warn: (_, fields) => void world.warned.push(String(fields?.['why'])) };
  const watch = keepSecretsFresh({
    clock,
    log,
    intervalMs: 5_000,
    reread: async () => {
      if (world.changed[0] === 'unreadable') throw new Error('half a file');
      return world.changed.splice(0);
    },
    renew: async () => {
      world.renewed += 1;
      return world.works ? [] : ['POSTGRES_PASSWORD'];
    },
    held: () =>
      new Map([
        ['POSTGRES_PASSWORD', world.held],
        ['API_INTERNAL_TOKEN', world.held],
      ]),
    report: async (held) => {
      world.reported += 1;
      world.told = held.get('POSTGRES_PASSWORD') ?? '';
      world.toldOther = held.get('API_INTERNAL_TOKEN') ?? '';
    },
  });
  const look = async () => {
    const before = world.reported + world.warned.length + world.renewed;
    await vi.waitFor(() => {
      watch.look();
      expect(world.reported + world.warned.length + world.renewed).toBeGreaterThan(before);
    });
  };
  return { clock, world, watch, look };
}

it('takes a replaced secret into use, and says what it holds', async () => {
  const { world, watch, look } = rig();
  world.changed = ['API_INTERNAL_TOKEN'];
  await look();
  await watch[Symbol.asyncDispose]();

  expect(world).toMatchObject({ renewed: 1, warned: [] });
  expect(world.reported).toBeGreaterThan(0);
});

it('tries a secret that does not work yet again, and complains once', async () => {
  const { world, watch, look } = rig();
  world.changed = ['POSTGRES_PASSWORD'];
  world.works = false;
  await look();
  await look();
  expect(world.warned).toHaveLength(1);
  world.works = true;
  await look();
  const { renewed } = world;
  await look();
  await watch[Symbol.asyncDispose]();

  expect(renewed).toBeGreaterThan(2);
  expect(world.renewed).toBe(renewed);
});

it('says that it holds a secret only once it works, and holds no other back for it', async () => {
  const { world, watch, look } = rig();
  Object.assign(world, { changed: ['POSTGRES_PASSWORD'], works: false, held: 'new' });
  await look();
  await vi.waitFor(() => expect(world.reported).toBeGreaterThan(1));
  expect(world).toMatchObject({ told: 'old', toldOther: 'new' });
  expect(world.warned).toEqual([
    expect.stringMatching(/^POSTGRES_PASSWORD: the new value does not work yet/),
  ]);
  world.works = true;
  await look();
  await vi.waitFor(() => expect(world.told).toBe('new'));
  await watch[Symbol.asyncDispose]();
});

it('leaves everything as it is while the configuration cannot be read', async () => {
  const { world, watch } = rig();
  world.changed = ['unreadable'];
  watch.look();
  await vi.waitFor(() => expect(world.warned).toEqual(['half a file']));
  await watch[Symbol.asyncDispose]();

  expect(world.renewed).toBe(0);
});

it('tells whoever asks for a look when a look that began afterwards is over', async () => {
  const { world, watch } = rig();
  world.changed = ['API_INTERNAL_TOKEN'];
  await watch.looked();
  expect(world.renewed).toBe(1);
  await watch[Symbol.asyncDispose]();
  await watch.looked();
});
