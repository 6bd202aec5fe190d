import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openPostgres, type Postgres } from '../../../src/adapters/postgres.ts';
import { postalKeyFor } from '../../../src/domain/postal-key.ts';
import { submit } from '../../store/submit.ts';
import { backupScene, type Scene, storedAtPostal } from './scene.ts';

let scene: Scene;
beforeEach(async () => {
  scene = await backupScene({ POSTAL_API_KEY: 'ILhJDVFXjMGU6bzl1mIo2lCL' });
  await scene.hangUp();
});
afterEach(() => scene[Symbol.asyncDispose]());

/** Runs `mailctl backup` while the test is connected to nothing. */
const backup = (...words: readonly string[]) => scene.alone(() => scene.backup(...words));

const confirmed = ['--confirm', 'example.com'];

/** Opens the live database for a moment: nobody may be connected while it is swapped. */
async function inPostgres<T>(work: (db: Postgres) => Promise<T>): Promise<T> {
  await using db = openPostgres(scene.database.address);
  return await work(db);
}

/** A message under the key that its id gives, as the api stores it. */
const mail = () =>
  inPostgres(async (db) => {
    const id = await submit(db);
    await db.change('update messages set postal_key = $2 where id = $1', [id, postalKeyFor(id)]);
    return id;
  });

const states = () =>
  inPostgres(async (db) => {
    const rows = await db.query<{ id: string; state: string }>(
      'select message_id as id, state from recipients',
    );
    return Object.fromEntries(rows.map(({ id, state }) => [id, state]));
  });

const setState = (id: string, state: string) =>
  inPostgres((db) => db.change('update recipients set state = $2 where message_id = $1', [id, state]));

const isPaused = () =>
  inPostgres(async (db) => (await db.query('select from sending where paused_at is not null')).length === 1);

/** Puts a message into Postal's rows as its api does, waiting in the queue. */
async function atPostal(id: number, messageId: string) {
  const mailFrom = `${postalKeyFor(messageId)}@example.com`;
  await storedAtPostal(scene.postal, { id, token: `p${id}`, mailFrom });
  await scene.postal.run('insert into queued_messages (server_id, message_id) values (7, ?)', [id]);
}

const delivered = async (id: number) => {
  await scene.postal.run(
    `insert into \`${scene.postal.messages}\`.deliveries (message_id, status, timestamp) values (?, 'Sent', 3)`,
    [id],
  );
  await scene.postal.run('delete from queued_messages where message_id = ?', [id]);
};

const queue = async () =>
  (await scene.postal.run('select message_id, locked_by from queued_messages order by message_id')).map(
    ({ message_id: id, locked_by: by }) => [id, by !== null],
  );

describe('a restore', () => {
  it('goes beside at first, changes nothing that runs, and shows what differs', async () => {
    const { data: run } = await backup('run');
    await mail();
    const { exit, data } = await backup('restore', run.set.id);
    expect({ exit, swapped: data?.swapped }).toEqual({ exit: 0, swapped: false });
    expect(data.differs).toContainEqual(expect.objectContaining({ now: 3, in_set: 2 }));
    expect(Object.keys(await states())).toHaveLength(3);
    expect(await backup('abort', run.set.id, '--yes')).toMatchObject({ exit: 0 });
    expect(await scene.postal.run(`show databases like 'restored%'`)).toEqual([]);
  });

  it('sends nothing twice: what went out since the dump is taken out, what did not goes on', async () => {
    const [sent, waiting, atHand] = [await mail(), await mail(), await mail()];
    await atPostal(41, atHand);
    await setState(atHand, 'accepted');
    await atPostal(42, 'another');
    const { data: run } = await backup('run');
    await atPostal(51, sent);
    await delivered(51);
    await setState(sent, 'delivered');
    await delivered(41);

    const restored = await backup('restore', run.set.id, ...confirmed);
    expect(restored.error).toBeUndefined();
    expect(await isPaused()).toBe(true);
    expect(await queue()).toEqual([
      [41, true],
      [42, true],
    ]);
    expect((await states())[sent]).toBe('queued');

    expect(await backup('commit', run.set.id)).toMatchObject({ exit: 21 });
    const committed = await backup('commit', run.set.id, ...confirmed);
    expect(committed.error).toBeUndefined();
    expect(await states()).toMatchObject({ [sent]: 'delivered', [waiting]: 'queued' });
    expect(await queue()).toEqual([[42, false]]);
    expect(await isPaused()).toBe(false);
    const [next] = await scene.postal.run(
      'select auto_increment as id from information_schema.tables where table_schema = ? and table_name = ?',
      [scene.postal.messages, 'messages'],
    );
    expect(Number(next?.['id'])).toBeGreaterThan(1_000_000);
  });

  it('holds what nobody knows of when what was there before is lost', async () => {
    const lost = await mail();
    await atPostal(61, lost);
    const { data: run } = await backup('run');
    await inPostgres((db) => db.query('drop table messages, recipients cascade'));
    await scene.postal.run(`delete from \`${scene.postal.messages}\`.messages`);
    await scene.postal.run('delete from queued_messages');
    const restored = await backup('restore', run.set.id, ...confirmed);
    expect(restored.error).toBeUndefined();
    const seen = await backup('commit', run.set.id, ...confirmed, '--dry-run');
    expect(seen.data.mail).toContainEqual({ store: 'mariadb', id: '7/61', verdict: 'unknown' });
    await backup('commit', run.set.id, ...confirmed);
    expect((await states())[lost]).toBe('held');
    expect(await queue()).toEqual([]);
  });

  it('refuses while a service is connected, and says what to stop', async () => {
    const { data: run } = await backup('run');
    await using db = openPostgres({ ...scene.database.address, applicationName: 'mailctl worker' });
    await db.query('select 1');
    const refused = await backup('restore', run.set.id, ...confirmed);
    expect(refused).toMatchObject({ exit: 21, error: { hint: expect.stringContaining('postal-worker') } });
  });

  it('is undone by abort, with everything as it was', async () => {
    const { data: run } = await backup('run');
    const later = await mail();
    await backup('restore', run.set.id, ...confirmed);
    expect(Object.keys(await states())).not.toContain(later);
    expect((await backup('abort', run.set.id, '--yes')).error).toBeUndefined();
    expect(Object.keys(await states())).toContain(later);
    expect(await isPaused()).toBe(false);
  });
});
