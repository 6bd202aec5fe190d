import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openPostgres } from '../../../src/adapters/postgres.ts';
import { temporaryFolder } from '../../cli/folders.ts';
import { runJson } from '../../integration/cli/database-folder.ts';
import { runbook, shellIn } from '../runbooks.ts';
import { confirmed, type RestoreScene, restoreScene } from './restore-scene.ts';

let scene: RestoreScene;
beforeEach(async () => {
  scene = await restoreScene();
});
afterEach(() => scene[Symbol.asyncDispose]());

describe('a restore', () => {
  it('goes beside at first, changes nothing that runs, and shows what differs', async () => {
    const { data: run } = await scene.backup('run');
    await scene.mail();
    const { exit, data } = await scene.backup('restore', run.set.id);
    expect({ exit, swapped: data?.swapped }).toEqual({ exit: 0, swapped: false });
    expect(data.differs).toContainEqual(expect.objectContaining({ now: 3, in_set: 2 }));
    expect(Object.keys(await scene.states())).toHaveLength(3);
    expect(await scene.backup('abort', run.set.id, '--yes')).toMatchObject({ exit: 0 });
    expect(await scene.leftovers(run.set.id)).toEqual([]);
  });

  it('sends nothing twice: what went out since the dump is taken out, what did not goes on', async () => {
    const [sent, waiting, atHand] = [await scene.mail(), await scene.mail(), await scene.mail()];
    await scene.atPostal(41, atHand);
    await scene.setState(atHand, 'accepted');
    await scene.atPostal(42, 'another');
    const { data: run } = await scene.backup('run');
    await scene.atPostal(51, sent);
    await scene.delivered(51);
    await scene.setState(sent, 'delivered');
    await scene.delivered(41);

    const restored = await scene.backup('restore', run.set.id, ...confirmed);
    expect(restored.error).toBeUndefined();
    expect(await scene.isPaused()).toBe(true);
    const { data: pruned } = await scene.backup('prune', '--dry-run');
    expect(pruned.sets[0].kept_as).toContain('its restore is not agreed to yet');
    expect(await scene.queue()).toEqual([
      [41, true],
      [42, true],
    ]);
    expect((await scene.states())[sent]).toBe('queued');

    expect(await scene.backup('commit', run.set.id)).toMatchObject({ exit: 21 });
    const committed = await scene.backup('commit', run.set.id, ...confirmed);
    expect(committed.error).toBeUndefined();
    expect(await scene.states()).toMatchObject({ [sent]: 'delivered', [waiting]: 'queued' });
    expect(await scene.queue()).toEqual([[42, false]]);
    expect(await scene.isPaused()).toBe(false);
    const [next] = await scene.postal.run(
      'select auto_increment as id from information_schema.tables where table_schema = ? and table_name = ?',
      [scene.postal.messages, 'messages'],
    );
    expect(Number(next?.['id'])).toBeGreaterThan(1_000_000);
  });

  it.each([
    ['holds', [], 'held', []],
    ['sends, where that is wished,', ['--release'], 'accepted', [[61, false]]],
    ['drops, where that is wished,', ['--drop'], 'cancelled', []],
  ])('%s what nobody knows of when what was there before is lost', async (_, wish, state, queue) => {
    const lost = await scene.mail();
    await scene.atPostal(61, lost);
    const { data: run } = await scene.backup('run');
    await scene.inPostgres((db) => db.query('drop table messages, recipients cascade'));
    await scene.postal.run(`delete from \`${scene.postal.messages}\`.messages`);
    await scene.postal.run('delete from queued_messages');
    const restored = await scene.backup('restore', run.set.id, ...confirmed);
    expect(restored.error).toBeUndefined();
    const seen = await scene.backup('commit', run.set.id, ...confirmed, '--dry-run');
    expect(seen.data.mail).toContainEqual({ store: 'mariadb', id: '7/61', verdict: 'unknown' });
    expect(restored.data.lost_http_minutes).toBe(1);
    await scene.backup('commit', run.set.id, ...confirmed, ...wish);
    expect((await scene.states())[lost]).toBe(state);
    expect(await scene.queue()).toEqual(queue);
  });

  it('refuses while a service is connected, and says what to stop', async () => {
    const { data: run } = await scene.backup('run');
    await using db = openPostgres({ ...scene.database.address, applicationName: 'mailctl worker' });
    await db.query('select 1');
    const refused = await scene.backup('restore', run.set.id, ...confirmed);
    expect(refused).toMatchObject({ exit: 21, error: { hint: expect.stringContaining('postal-worker') } });
  });

  it('refuses while a service has a database of Postal open, also when Postal alone is restored', async () => {
    const { data: run } = await scene.backup('run');
    const restore = ['backup', 'restore', run.set.id, '--only', 'mariadb', ...confirmed];
    const refused = await runJson({ path: scene.dir }, ...restore);
    expect(refused).toMatchObject({ exit: 21, error: { hint: expect.stringContaining('postal-smtp') } });
    expect(refused.data.in_use_by).toEqual([expect.stringMatching(/.+@/)]);
    expect(await scene.leftovers(run.set.id)).toEqual([]);
  });

  it('is undone by abort, with everything as it was', async () => {
    const { data: run } = await scene.backup('run');
    const later = await scene.mail();
    await scene.backup('restore', run.set.id, ...confirmed);
    expect(Object.keys(await scene.states())).not.toContain(later);
    expect((await scene.backup('abort', run.set.id, '--yes')).error).toBeUndefined();
    expect(Object.keys(await scene.states())).toContain(later);
    expect(await scene.isPaused()).toBe(false);
  });

  it('loses no mail that the Postal before had taken and not sent, and sends none again that it had', async () => {
    const [late, gone] = [await scene.mail(), await scene.mail()];
    const { data: run } = await scene.backup('run');
    await scene.atPostal(71, late);
    await scene.setState(late, 'accepted');
    await scene.atPostal(72, gone);
    await scene.setState(gone, 'accepted');
    await scene.delivered(72);
    await scene.backup('restore', run.set.id, ...confirmed);
    const committed = await scene.backup('commit', run.set.id, ...confirmed);
    expect(committed.error).toBeUndefined();
    expect(await scene.states()).toMatchObject({ [late]: 'queued', [gone]: 'accepted' });
  });

  it('of Postal alone sends again what that has forgotten and had not sent', async () => {
    const [waiting, gone] = [await scene.mail(), await scene.mail()];
    const { data: run } = await scene.backup('run');
    await scene.atPostal(81, waiting);
    await scene.setState(waiting, 'accepted');
    await scene.atPostal(82, gone);
    await scene.setState(gone, 'accepted');
    await scene.delivered(82);
    const restored = await scene.backup('restore', run.set.id, '--only', 'mariadb', ...confirmed);
    expect(restored.error).toBeUndefined();
    await scene.backup('commit', run.set.id, ...confirmed);
    expect(await scene.states()).toMatchObject({ [waiting]: 'queued', [gone]: 'accepted' });
    const due = await scene.inPostgres((db) =>
      db.query('select from messages where id = $1 and next_attempt_at is not null', [waiting]),
    );
    expect(due).toHaveLength(1);
  });

  it('of PostgreSQL alone asks the Postal that lives on what went out, and says what is lost', async () => {
    const [sent, waiting] = [await scene.mail(), await scene.mail()];
    const { data: run } = await scene.backup('run');
    await scene.atPostal(95, sent);
    await scene.delivered(95);
    await scene.setState(sent, 'delivered');
    await scene.atPostal(96, 'another');
    const later = await scene.mail();
    const restored = await scene.backup('restore', run.set.id, '--only', 'postgres', ...confirmed);
    expect(restored.error).toBeUndefined();
    expect(restored.data).toMatchObject({ swapped: true, lost_http_minutes: 1 });
    expect(restored.data.differs.every(({ table }: { table: string }) => !table.includes('postal_'))).toBe(
      true,
    );
    expect(await scene.queue()).toEqual([[96, false]]);
    expect(await scene.isPaused()).toBe(true);

    const committed = await scene.backup('commit', run.set.id, ...confirmed);
    expect(committed.error).toBeUndefined();
    expect(await scene.states()).toMatchObject({ [sent]: 'delivered', [waiting]: 'queued' });
    expect(Object.keys(await scene.states())).not.toContain(later);
    expect(await scene.queue()).toEqual([[96, false]]);
    expect(await scene.leftovers(run.set.id)).toEqual([]);
  });

  it('refuses a set that a newer version made, and changes nothing', async () => {
    const { data: run } = await scene.backup('run');
    const manifest = join(scene.shelf, run.set.id, 'manifest.json');
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace(/"migration": \d+/, '"migration": 9999'));
    for (const words of [[], confirmed])
      expect(await scene.backup('restore', run.set.id, ...words)).toMatchObject({
        exit: 21,
        error: { message: expect.stringContaining('newer than this mailctl') },
      });
    expect(await scene.leftovers(run.set.id)).toEqual([]);
  });
});

describe('the runbook for sending that is paused after a restore', () => {
  const [goOn = [], held = [], goBack = []] = runbook('sending-is-paused');

  it('goes on from the set, and decides of mail that nobody knows of', async () => {
    const [first, second] = [await scene.mail(), await scene.mail()];
    await scene.atPostal(91, first);
    await scene.atPostal(92, second);
    const { data: run } = await scene.backup('run');
    await scene.inPostgres((db) => db.query('drop table messages, recipients cascade'));
    await scene.postal.run(`delete from \`${scene.postal.messages}\`.messages`);
    await scene.backup('restore', run.set.id, ...confirmed);
    const given = { ID: run.set.id, DOMAIN: 'example.com', MESSAGE: first, OTHER: second };
    using tools = temporaryFolder();
    const follow = shellIn(scene.dir, tools.path, given);
    await scene.alone(async () => {
      await follow('mailctl queue resume', 21);
      for (const line of [...goOn, ...held]) await follow(line);
    });
    expect(await scene.states()).toMatchObject({ [first]: 'queued', [second]: 'cancelled' });
    expect(await scene.isPaused()).toBe(false);
  });

  it('goes back to what was there before', async () => {
    const { data: run } = await scene.backup('run');
    const later = await scene.mail();
    await scene.backup('restore', run.set.id, ...confirmed);
    using tools = temporaryFolder();
    const follow = shellIn(scene.dir, tools.path, { ID: run.set.id });
    expect(goBack).toHaveLength(1);
    await scene.alone(async () => {
      for (const line of goBack) await follow(line);
    });
    expect(Object.keys(await scene.states())).toContain(later);
  });
});
