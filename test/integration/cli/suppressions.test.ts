import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { systemClock } from '../../../src/adapters/clock.ts';
import { type TestDatabase, testDatabase } from '../../engines/postgres.ts';
import { runInProcess } from '../../fakes/terminal.ts';
import { folderFor, runJson } from './database-folder.ts';
import { buildProgram, start } from './program.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

/** A folder on an empty list, and its commands. */
async function emptyList() {
  await database.db.change('delete from suppressions');
  const folder = folderFor(database);
  return {
    path: folder.path,
    [Symbol.dispose]: () => folder[Symbol.dispose](),
    run: (...words: readonly string[]) => runJson(folder, 'suppressions', ...words),
    print: async (...words: readonly string[]) =>
      (await runInProcess(['-C', folder.path, 'suppressions', ...words])).out,
    addresses: async (...words: readonly string[]) =>
      (await runJson(folder, 'suppressions', 'list', ...words)).data.suppressions.map(
        ({ address }: { address: string }) => address,
      ),
    file: (content: string | Uint8Array) => {
      const path = join(folder.path, 'list.csv');
      writeFileSync(path, content);
      return path;
    },
  };
}

describe('mailctl suppressions', () => {
  it('adds an address with its reason, evidence and end, and lists it', async () => {
    using list = await emptyList();

    const added = await list.run(
      'add',
      'Ann@Example.com',
      '--reason',
      'complaint',
      '--evidence',
      'wrote to abuse@',
      '--expires',
      '90d',
    );
    const { data } = await list.run('list');

    expect(added.data).toMatchObject({ applied: true, changed: 1, plan: { title: expect.any(String) } });
    expect(data).toEqual({
      suppressions: [
        {
          address: 'ann@example.com',
          scope: '',
          reason: 'complaint',
          evidence: 'wrote to abuse@',
          created_at: expect.any(String),
          expires_at: expect.any(String),
        },
      ],
      next_cursor: null,
    });
    const end = Date.parse(data.suppressions[0].expires_at);
    expect(Math.abs(end - systemClock.now().getTime() - 90 * 86_400_000)).toBeLessThan(60_000);
  });

  it('renews what is there, and changes nothing on a dry run', async () => {
    using list = await emptyList();
    await list.run('add', 'ann@a.test', '--scope', 'news');

    const dry = await list.run('add', 'ann@a.test', '--reason', 'bounce', '--dry-run');
    await list.run('add', 'ann@a.test', '--scope', 'news', '--reason', 'unsubscribe');

    expect(dry.data).toMatchObject({ applied: false });
    expect((await list.run('list')).data.suppressions).toMatchObject([
      { scope: 'news', reason: 'unsubscribe' },
    ]);
  });

  it('filters by address, reason and scope, page by page', async () => {
    using list = await emptyList();
    await list.run(
      'import',
      list.file('a@x.test,,bounce\nb@x.test,news letter,bounce\nb@x.test,,manual\nc@x.test'),
    );

    expect(await list.addresses('--reason', 'bounce')).toEqual(['a@x.test', 'b@x.test']);
    expect(await list.addresses('--scope', 'news letter')).toEqual(['b@x.test']);
    expect(await list.addresses('--scope', '')).toEqual(['a@x.test', 'b@x.test', 'c@x.test']);
    expect(await list.addresses('--address', 'B@x.test')).toHaveLength(2);
    const seen: string[] = [];
    let cursor: readonly string[] = [];
    do {
      const { data } = await list.run('list', '--limit', '1', ...cursor);
      seen.push(
        ...data.suppressions.map((one: { address: string; scope: string }) => one.address + one.scope),
      );
      cursor = data.next_cursor === null ? [] : ['--cursor', data.next_cursor];
    } while (cursor.length > 0);
    expect(seen).toEqual(['a@x.test', 'b@x.test', 'b@x.testnews letter', 'c@x.test']);
  });

  it('removes an address in one scope; one that asked for no mail only once it is agreed to', async () => {
    using list = await emptyList();
    await list.run('import', list.file('a@x.test,,bounce\na@x.test,news,unsubscribe'));

    expect(await list.run('remove', 'A@x.test')).toMatchObject({ exit: 0, data: { changed: 1 } });
    expect(await list.run('remove', 'a@x.test')).toMatchObject({ exit: 2, error: { field: 'address' } });
    expect(await list.run('remove', 'a@x.test', '--scope', 'news')).toMatchObject({ exit: 21 });
    expect(await list.addresses()).toEqual(['a@x.test']);
    expect(await list.run('remove', 'a@x.test', '--scope', 'news', '--yes')).toMatchObject({ exit: 0 });
    expect(await list.addresses()).toEqual([]);
  });

  it('exports what it can import again, as text/csv or as a list', async () => {
    using list = await emptyList();
    await list.run('import', list.file('address,evidence\n=sum@x.test,"no, really"\nb@x.test,\n'));

    const csv = await list.print('export');
    const exported = await list.run('export');
    await database.db.change('delete from suppressions');
    const imported = await list.run('import', list.file(csv));

    expect(csv).toBe(
      'address,scope,reason,evidence,expires_at\r\n\'=sum@x.test,,manual,"no, really",\r\nb@x.test,,manual,,\r\n',
    );
    expect(exported.data.suppressions).toMatchObject([{ address: '=sum@x.test' }, { address: 'b@x.test' }]);
    expect(imported.data).toMatchObject({ changed: 2 });
    expect(await list.print('export')).toBe(csv);
  });

  it('exports a list of any length', async () => {
    using list = await emptyList();
    await list.run('import', list.file(Array.from({ length: 2500 }, (_, n) => `n${n}@x.test`).join('\n')));

    expect((await list.print('export')).match(/@x\.test/g)).toHaveLength(2500);
  });

  it.each([
    ['a record that is wrong', 'good@x.test\nnobody', 'record 2'],
    ['an unknown column', 'address,colour\na@x.test,red', 'record 1'],
    ['no address', '\n', 'file'],
    ['no text', Buffer.from([0xff]), 'file'],
  ])('imports nothing of a list with %s, and says where', async (_, content, field) => {
    using list = await emptyList();

    expect(await list.run('import', list.file(content))).toMatchObject({ exit: 2, error: { field } });
    expect(await list.addresses()).toEqual([]);
  });

  it.each([
    [['add', 'nobody'], 'address'],
    [['add', 'a@x.test', '--reason', 'dislike'], '--reason'],
    [['add', 'a@x.test', '--expires', 'soon'], '--expires'],
    [['add', 'a@x.test', '--expires', '2020-01-01T00:00:00Z'], '--expires'],
    [['add', 'a@x.test', '--scope', 'a\nb'], '--scope'],
    [['list', '--limit', '0'], '--limit'],
    [['import', '/nowhere/list.csv'], 'file'],
  ])('refuses %j by name', async (words, field) => {
    using list = await emptyList();

    expect(await list.run(...words)).toMatchObject({ exit: 2, error: { code: 'usage', field } });
    expect(await list.addresses()).toEqual([]);
  });

  it('reads a list from stdin', { timeout: 60_000 }, async () => {
    using list = await emptyList();
    using program = buildProgram();
    const { child, ended } = start([
      process.execPath,
      program.path,
      '-C',
      list.path,
      'suppressions',
      'import',
      '-',
    ]);
    child.stdin?.end('a@x.test,,bounce\r\nb@x.test\r\n');

    expect(await ended).toMatchObject({ exit: 0, out: '2 suppressions are in force\n' });
    expect(await list.addresses()).toEqual(['a@x.test', 'b@x.test']);
  });

  it('prints a line an address to a person', async () => {
    using list = await emptyList();
    expect(await list.print('list')).toBe('nothing is suppressed\n');
    await list.run('add', 'a@x.test', '--scope', 'news', '--evidence', 'by\n phone');

    expect(await list.print('list')).toMatch(
      /^a@x\.test {2}manual {7}tag news {2}\d{4}-\d\d-\d\d {2}by phone\n$/,
    );
  });
});
