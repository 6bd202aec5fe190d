import { createHash } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Submission } from '../../src/domain/submission.ts';
import { findMessage } from '../../src/store/message-views.ts';
import { insertSubmissions } from '../../src/store/messages.ts';
import { insertAliases, recogniseResubmissions } from '../../src/store/resubmission.ts';
import { deleteOldNames } from '../../src/store/retention.ts';
import { type TestDatabase, testDatabase } from '../engines/postgres.ts';
import { newMessage, submission } from './submissions.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

const dayMs = 86_400_000;
const noon = new Date('2026-03-01T12:00:00Z');

function named(name: string, receivedAt = noon): Submission {
  const digest = createHash('sha256').update(name).digest();
  return submission({ receivedAt, dedupe: { key: name, digest } });
}

/** Stores a batch as the api does; gives the aliases. */
async function take(...batch: readonly Submission[]) {
  return database.db.transaction(async (within) => {
    const { aliases } = await recogniseResubmissions(within, batch, dayMs);
    const others = batch.filter(({ id }) => !aliases.has(id));
    await insertSubmissions(
      within,
      others.map((one) => newMessage(one)),
    );
    await insertAliases(within, aliases);
    return aliases;
  });
}

describe('a message that is sent again', () => {
  it('is an alias of the first, and both ids lead to it', async () => {
    const [first, again] = [named('a'), named('a', new Date(noon.getTime() + 1000))];
    expect(await take(first)).toEqual(new Map());
    expect(await take(again)).toEqual(new Map([[again.id, first.id]]));
    expect((await findMessage(database.db, again.id))?.id).toBe(first.id);
    expect((await findMessage(database.db, first.id))?.id).toBe(first.id);
  });

  it('is recognised within one batch too', async () => {
    const [first, again, other] = [named('b'), named('b'), named('c')];
    expect(await take(first, again, other)).toEqual(new Map([[again.id, first.id]]));
  });

  it('keeps what it is when it is shipped once more', async () => {
    const [first, again] = [named('d'), named('d')];
    await take(first, again);
    expect(await take(first)).toEqual(new Map());
    expect(await take(again)).toEqual(new Map([[again.id, first.id]]));
  });

  it('is a new message after the window', async () => {
    const late = named('e', new Date(noon.getTime() + dayMs));
    await take(named('e'));
    expect(await take(late)).toEqual(new Map());
    const later = named('e', new Date(noon.getTime() + dayMs + 1000));
    expect(await take(later)).toEqual(new Map([[later.id, late.id]]));
  });

  it('is recognised when the second arrives before the first', async () => {
    const [early, late] = [named('f'), named('f', new Date(noon.getTime() + 60_000))];
    await take(late);
    expect(await take(early)).toEqual(new Map([[early.id, late.id]]));
  });

  it('is a new message when the first is not there any more', async () => {
    const [first, again] = [named('g'), named('g')];
    await take(first);
    await database.db.change('delete from messages where id = $1', [first.id]);
    expect(await take(again)).toEqual(new Map());
    expect(await findMessage(database.db, again.id)).toBeDefined();
    const third = named('g');
    expect(await take(third)).toEqual(new Map([[third.id, again.id]]));
  });

  it('is stored once by many batches at once, in any order', async () => {
    const names = ['h', 'i', 'j', 'k'];
    const batches = Array.from({ length: 8 }, (_, turn) =>
      (turn % 2 ? names : names.toReversed()).map((name) => named(name)),
    );
    const aliases = await Promise.all(batches.map((batch) => take(...batch)));
    expect(aliases.reduce((sum, some) => sum + some.size, 0)).toBe(8 * 4 - 4);
    const ids = new Set(aliases.flatMap((some) => [...some.values()]));
    expect(ids.size).toBe(4);
    for (const id of ids) expect((await findMessage(database.db, id))?.id).toBe(id);
  });

  it('is a new message outside the window in one batch too, and in any order of arrival', async () => {
    const [first, later] = [named('m'), named('m', new Date(noon.getTime() + dayMs))];
    expect(await take(first, later)).toEqual(new Map());
    const after = named('m', new Date(noon.getTime() + dayMs + 1));
    expect(await take(after)).toEqual(new Map([[after.id, later.id]]));

    const young = named('n', new Date(noon.getTime() + 3 * dayMs));
    expect(await take(young)).toEqual(new Map());
    expect(await take(named('n'))).toEqual(new Map());
    const again = named('n', young.receivedAt);
    expect(await take(again)).toEqual(new Map([[again.id, young.id]]));
  });

  it('is one message when two connections store both records at the same moment', async () => {
    for (let turn = 0; turn < 10; turn += 1) {
      const pair = [named(`race-${turn}`), named(`race-${turn}`)];
      const aliases = await Promise.all(pair.map((one) => take(one)));
      expect(aliases.map(({ size }) => size).toSorted()).toEqual([0, 1]);
    }
  });

  it('is the message itself when the first connection gave up in the end', async () => {
    const [first, again] = [named('o'), named('o')];
    let waiting: ReturnType<typeof take> | undefined;
    const failed = database.db.transaction(async (within) => {
      await recogniseResubmissions(within, [first], dayMs);
      waiting = take(again);
      throw new Error('no such luck');
    });
    await expect(failed).rejects.toThrow('no such luck');
    expect(await waiting).toEqual(new Map());
  });

  it('is never recognised without a name, and forgotten in time', async () => {
    expect(await take(submission(), submission())).toEqual(new Map());
    const [first, again] = [named('l'), named('l')];
    await take(first);
    const old = { keepMs: 14 * dayMs, limit: 100 };
    expect(await deleteOldNames(database.db, old)).toBe(0);
    await database.db.change(`update submission_names set recorded_at = now() - interval '15 days'`);
    expect(await deleteOldNames(database.db, { ...old, limit: 1 })).toBe(1);
    expect(await deleteOldNames(database.db, old)).toBeGreaterThan(0);
    expect(await take(again)).toEqual(new Map());
  });
});

describe('a name that stood for another message', () => {
  const reusedBy = async (one: Submission) =>
    database.db.transaction(async (within) => (await recogniseResubmissions(within, [one], dayMs)).sameName);
  const call = (name: string, body: string, receivedAt = noon, credentialId = 'usr_test') => ({
    ...named(body, receivedAt),
    credentialId,
    dedupe: { key: name, digest: createHash('sha256').update(body).digest() },
  });

  it('is found with the latest of them, within the window and for this credential alone', async () => {
    const at = (ms: number) => new Date(noon.getTime() + ms);
    const [first, second] = [call('<p@x>', 'p1'), call('<p@x>', 'p2', at(1000))];
    expect(await reusedBy(first)).toEqual(new Map());
    expect(await reusedBy(second)).toEqual(new Map([[second.id, first.id]]));
    const third = call('<p@x>', 'p3', at(2000));
    expect(await reusedBy(third)).toEqual(new Map([[third.id, second.id]]));
    expect(await reusedBy(call('<p@x>', 'p4', at(2 * dayMs)))).toEqual(new Map());
    expect(await reusedBy(call('<p@x>', 'p5', at(3000), 'usr_other'))).toEqual(new Map());
    expect(await reusedBy(call('<q@x>', 'p6', at(3000)))).toEqual(new Map());
  });

  it('is found by one of two batches that arrive at the same moment, whichever was received first', async () => {
    for (let turn = 0; turn < 10; turn += 1) {
      const pair = [call(`<r${turn}@x>`, `one ${turn}`), call(`<r${turn}@x>`, `two ${turn}`)];
      const found = await Promise.all(pair.map(reusedBy));
      expect(found.map(({ size }) => size).toSorted()).toEqual([0, 1]);
    }
  });

  it('is found within one batch, and each of its messages is known when it comes again', async () => {
    const batch = ['s1', 's2', 's3'].map((body) => call('<s@x>', body));
    const [first, second, third] = batch;
    const again = batch.map(({ dedupe }) => ({ ...call('<s@x>', ''), dedupe }) as Submission);
    const { aliases, sameName } = await database.db.transaction((within) =>
      recogniseResubmissions(within, [...batch, ...again], dayMs),
    );
    expect([...sameName.keys()]).toEqual([second?.id, third?.id]);
    expect(aliases).toEqual(new Map(again.map(({ id }, index) => [id, batch[index]?.id])));
    expect(first && aliases.has(first.id)).toBe(false);
  });

  it('is kept while anything it stands for is young', async () => {
    const [old, young] = [call('<t@x>', 't1'), call('<t@x>', 't2')];
    await reusedBy(old);
    await reusedBy(young);
    await database.db.change(
      `update submission_names set recorded_at = now() - interval '15 days' where name like '% <t@x>' and place = 0`,
    );
    const page = { keepMs: 14 * dayMs, limit: 100 };
    await deleteOldNames(database.db, page);
    expect(await reusedBy(call('<t@x>', 't3'))).toHaveProperty('size', 1);
  });
});
