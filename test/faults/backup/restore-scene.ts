import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { systemDisk } from '../../../src/adapters/disk.ts';
import { openPostgres, type Postgres } from '../../../src/adapters/postgres.ts';
import { postalKeyFor } from '../../../src/domain/postal-key.ts';
import { forgetTakenWish, takeReshipWish } from '../../../src/upkeep/reship-wish.ts';
import { submit } from '../../store/submit.ts';
import { backupScene, storedAtPostal } from './scene.ts';

export const confirmed = ['--confirm', 'example.com'];

/** The scene for restores: nothing is connected to the databases but the commands under test. */
export async function restoreScene(changes: Readonly<Record<string, string>> = {}) {
  const scene = await backupScene({ POSTAL_API_KEY: 'ILhJDVFXjMGU6bzl1mIo2lCL', ...changes });
  await scene.hangUp();
  const { postal } = scene;
  const relayShips = relayIn(join(scene.dir, 'journal'));
  const inPostgres = async <T>(work: (db: Postgres) => Promise<T>): Promise<T> => {
    await using db = openPostgres(scene.database.address);
    return await work(db);
  };
  const setState = (id: string, state: string) =>
    inPostgres((db) =>
      db.change('update recipients set state = $2, changed_at = now() where message_id = $1', [id, state]),
    );
  return {
    ...scene,
    /** Opens the live database for a moment: nobody may be connected while it is swapped. */
    inPostgres,
    setState,
    relayShips,
    /** Runs `mailctl backup` while the test is connected to nothing; the relay of this host grants at once what it is asked then. */
    backup: async (...words: readonly string[]) => {
      const said = await scene.alone(() => scene.backup(...words));
      await relayShips();
      return said;
    },
    /** A message under the key that its id gives, as the api stores it. */
    mail: () =>
      inPostgres(async (db) => {
        const id = await submit(db);
        await db.change('update messages set postal_key = $2 where id = $1', [id, postalKeyFor(id)]);
        return id;
      }),
    states: () =>
      inPostgres(async (db) => {
        const rows = await db.query<{ id: string; state: string }>(
          'select message_id as id, state from recipients',
        );
        return Object.fromEntries(rows.map(({ id, state }) => [id, state]));
      }),
    isPaused: () =>
      inPostgres(
        async (db) => (await db.query('select from sending where paused_at is not null')).length === 1,
      ),
    /** Puts a message into Postal's rows as its api does, waiting in the queue. */
    atPostal: async (id: number, messageId: string) => {
      const mailFrom = `${postalKeyFor(messageId)}@example.com`;
      await storedAtPostal(postal, { id, token: `p${id}`, mailFrom });
      await postal.run('insert into queued_messages (server_id, message_id) values (7, ?)', [id]);
    },
    delivered: async (id: number) => {
      await postal.run(
        `insert into \`${postal.messages}\`.deliveries (message_id, status, timestamp) values (?, 'Sent', 3)`,
        [id],
      );
      await postal.run('delete from queued_messages where message_id = ?', [id]);
    },
    queue: async () =>
      (await postal.run('select message_id, locked_by from queued_messages order by message_id')).map(
        ({ message_id: id, locked_by: by }) => [id, by !== null],
      ),
    /** Databases that the restore of a set has made and not removed. */
    leftovers: async (id: string) => {
      const ofPostal = await postal.run(
        `show databases where \`Database\` regexp '^(restored|before)_.*${postal.names.main}'`,
      );
      const ofOurs = await inPostgres((db) =>
        db.query<{ name: string }>(
          `select datname as name from pg_database where datname = any($1::text[])`,
          [['restored', 'before'].map((word) => `${word}_${id.slice(-4)}`)],
        ),
      );
      return [...ofOurs.map(({ name }) => name), ...ofPostal.map(({ Database: name }) => String(name))];
    },
  };
}

export type RestoreScene = Awaited<ReturnType<typeof restoreScene>>;

/** A relay with an empty journal in that folder; the function has it look for wishes once, as at its upkeep. */
function relayIn(directory: string): () => Promise<void> {
  mkdirSync(join(directory, 'refused'), { recursive: true });
  return async () => {
    if (await takeReshipWish(systemDisk, directory)) await forgetTakenWish(systemDisk, directory);
  };
}
