import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { until } from '../../store/until.ts';
import { confirmed, type RestoreScene, restoreScene } from './restore-scene.ts';

let scene: RestoreScene;
beforeEach(async () => {
  scene = await restoreScene();
});
afterEach(() => scene[Symbol.asyncDispose]());

/** Ends a restore with SIGKILL when PostgreSQL is swapped and MariaDB waits for a reader of Postal's tables. */
async function killedBetweenTheSwaps(id: string): Promise<void> {
  const { postal } = scene;
  await scene.alone(async () => {
    await postal.run('start transaction');
    await postal.run(`select count(*) from \`${postal.names.main}\`.queued_messages`);
    const { child, ended } = scene.process('backup', 'restore', id, ...confirmed);
    const swapping = () =>
      postal.run(`select id from information_schema.processlist where info like 'rename table%'`);
    await until(swapping, (rows) => rows.length === 1, 60_000);
    child.kill('SIGKILL');
    await ended;
    await until(swapping, (rows) => rows.length === 0, 60_000);
    await postal.run('commit');
  });
}

/** A set, with a message that was sent after it and one that was not. */
async function setAndLater() {
  const [sent, waiting] = [await scene.mail(), await scene.mail()];
  const { data } = await scene.backup('run');
  await scene.atPostal(91, sent);
  await scene.delivered(91);
  await scene.setState(sent, 'delivered');
  const later = await scene.mail();
  return { id: String(data.set.id), sent, waiting, later };
}

describe('a restore that is killed between the two swaps', { timeout: 120_000 }, () => {
  it('goes on when it is run again, sends nothing meanwhile, and is agreed to as any other', async () => {
    const { id, sent, waiting, later } = await setAndLater();
    await killedBetweenTheSwaps(id);
    expect(await scene.isPaused()).toBe(true);
    expect(await scene.backup('commit', id, ...confirmed)).toMatchObject({ exit: 2 });
    expect(await scene.backup('restore', id)).toMatchObject({ exit: 21 });

    const again = await scene.backup('restore', id, ...confirmed);
    expect(again.error).toBeUndefined();
    expect(again.data.plan.steps.filter(({ do: verb }: { do: string }) => verb === 'swap')).toHaveLength(1);
    expect(Object.keys(await scene.states())).not.toContain(later);
    const committed = await scene.backup('commit', id, ...confirmed);
    expect(committed.error).toBeUndefined();
    expect(await scene.states()).toMatchObject({ [sent]: 'delivered', [waiting]: 'queued' });
    expect(await scene.leftovers(id)).toEqual([]);
    expect(await scene.postal.run(`show tables like 'mailctl%'`)).toEqual([]);
  });

  it('is undone by abort, with everything as it was', async () => {
    const { id, sent, later } = await setAndLater();
    await killedBetweenTheSwaps(id);
    expect(Object.keys(await scene.states())).not.toContain(later);
    expect((await scene.backup('abort', id, '--yes')).error).toBeUndefined();
    expect(await scene.states()).toMatchObject({ [sent]: 'delivered', [later]: 'queued' });
    expect(await scene.isPaused()).toBe(false);
    expect(await scene.leftovers(id)).toEqual([]);
  });
});
