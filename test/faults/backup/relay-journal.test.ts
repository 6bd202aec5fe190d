import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { systemDisk } from '../../../src/adapters/disk.ts';
import { forgetTakenWish, takeReshipWish } from '../../../src/upkeep/reship-wish.ts';
import { confirmed, type RestoreScene, restoreScene } from './restore-scene.ts';
import { manifestOf } from './scene.ts';

let scene: RestoreScene;
let journal: string;
beforeEach(async () => {
  scene = await restoreScene({ RELAY_JOURNAL_DIR: 'kept' });
  journal = join(scene.dir, 'kept');
});
afterEach(() => scene[Symbol.asyncDispose]());

/** When the dump of PostgreSQL or MariaDB began, whichever was first. */
function dumpedAt(id: string): string {
  const parts = manifestOf(scene, id).parts as readonly { readonly kind: string; started_at: string }[];
  const dumps = parts.filter(({ kind }) => kind === 'postgres' || kind === 'mariadb');
  return dumps.map(({ started_at: at }) => at).toSorted()[0] ?? '';
}

describe('mail that a relay acknowledged since the dump', { timeout: 120_000 }, () => {
  it('is shipped again: the wish lies in its journal, and commit waits until it has been granted', async () => {
    mkdirSync(join(journal, 'refused'), { recursive: true });
    const { data: run } = await scene.backup('run');
    const restored = await scene.backup('restore', run.set.id, ...confirmed);
    expect(restored).toMatchObject({ exit: 0, data: { shipping: 'asked' } });
    const since = readFileSync(join(journal, 'reship-since'), 'utf8').trim();
    expect(since).toBe(new Date(dumpedAt(run.set.id)).toISOString());
    expect(restored.data.next).toContain(
      `on each other host of a relay: mailctl journal ship --since ${since}`,
    );

    for (const words of [[], ['--relays-shipped']])
      expect(await scene.backup('commit', run.set.id, ...confirmed, ...words)).toMatchObject({ exit: 21 });
    await takeReshipWish(systemDisk, journal);
    expect(await scene.backup('commit', run.set.id, ...confirmed)).toMatchObject({ exit: 21 });
    expect(await scene.isPaused()).toBe(true);
    await forgetTakenWish(systemDisk, journal);
    expect(await scene.backup('commit', run.set.id, ...confirmed)).toMatchObject({ exit: 0 });
    expect(await scene.isPaused()).toBe(false);
  });

  it('is named where nobody sees the journal, and commit wants the word that it was shipped', async () => {
    const { data: run } = await scene.backup('run');
    const restored = await scene.backup('restore', run.set.id, ...confirmed);
    expect(restored).toMatchObject({ exit: 3, data: { swapped: true, shipping: 'unseen' } });
    const command = `mailctl journal ship --since ${dumpedAt(run.set.id)}`;
    expect(restored.data.next.join('\n')).toContain(`on each host of a relay: ${command}`);
    expect(restored.data.next.join('\n')).toContain('--relays-shipped');

    const refused = {
      exit: 21,
      error: { field: '--relays-shipped', hint: expect.stringContaining(command) },
    };
    expect(await scene.backup('commit', run.set.id, ...confirmed)).toMatchObject(refused);
    mkdirSync(join(journal, 'refused'), { recursive: true });
    expect(await scene.backup('commit', run.set.id, ...confirmed)).toMatchObject(refused);
    expect(readdirSync(journal)).toEqual(['refused']);
    expect(await scene.backup('commit', run.set.id, ...confirmed, '--relays-shipped')).toMatchObject({
      exit: 0,
    });
  });

  it('is not asked for when Postal alone is restored', async () => {
    const { data: run } = await scene.backup('run');
    const restored = await scene.backup('restore', run.set.id, '--only', 'mariadb', ...confirmed);
    expect(restored).toMatchObject({ exit: 0, data: { shipping: null } });
    expect(await scene.backup('commit', run.set.id, ...confirmed)).toMatchObject({ exit: 0 });
  });
});
