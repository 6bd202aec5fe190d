import { describe, expect, it } from 'vitest';

import { sendingState } from '../../../src/store/sending.ts';
import { testDatabase } from '../../engines/postgres.ts';
import { runInProcess } from '../../fakes/terminal.ts';
import { submit } from '../../store/submit.ts';
import { folderFor, runJson } from './database-folder.ts';

const hourAgo = () => new Date(Date.now() - 3_600_000);

describe('mailctl queue', () => {
  it('lists what waits, page by page, oldest first, and shows one message', async () => {
    await using database = await testDatabase();
    using folder = folderFor(database);
    const ids = [];
    for (const to of ['ann@a.test', 'bob@b.test', 'cy@c.test'])
      ids.push(await submit(database.db, { to: [to] }));
    ids.sort();

    const first = await runJson(folder, 'queue', 'list', '--limit', '2');
    const second = await runJson(folder, 'queue', 'list', '--limit', '2', '--cursor', first.data.next_cursor);
    const shown = await runJson(folder, 'queue', 'show', ids[0] ?? '');
    const { out } = await runInProcess([
      '-C',
      folder.path,
      'queue',
      'list',
      '--state',
      'queued',
      '--limit',
      '2',
    ]);

    expect(out).toContain(`more: the same with --cursor ${first.data.next_cursor}\n`);
    expect(first.data.messages.map(({ id }: { id: string }) => id)).toEqual(ids.slice(0, 2));
    expect(second.data).toMatchObject({ messages: [{ id: ids[2] }], next_cursor: null });
    expect(shown.data.message).toMatchObject({
      id: ids[0],
      state: 'queued',
      recipients: [{ state: 'queued' }],
    });
  });

  it('holds by domain with its reason, releases, and counts what it changed', async () => {
    await using database = await testDatabase();
    using folder = folderFor(database);
    const id = await submit(database.db, { to: ['ann@a.test', 'bob@b.test'] });

    const held = await runJson(
      folder,
      'queue',
      'hold',
      '--domain',
      'A.test',
      '--reason',
      'listed there',
      '--for',
      '2h',
    );
    const { data } = await runJson(folder, 'queue', 'show', id);
    const released = await runJson(folder, 'queue', 'release', id);

    expect(held.data).toMatchObject({ applied: true, changed: 1 });
    expect(data.message.recipients).toMatchObject([
      { address: 'ann@a.test', state: 'held', detail: 'listed there', held_until: expect.any(String) },
      { address: 'bob@b.test', state: 'queued', held_until: null },
    ]);
    expect(released.data).toMatchObject({ changed: 1 });
  });

  it('means by each filter what it says, in a list and in an act, which a dry run only counts', async () => {
    await using database = await testDatabase();
    using folder = folderFor(database);
    await submit(database.db, { to: ['cy@a.test', 'dee@a.test'] });
    const meant = await submit(database.db, {
      to: ['ann@b.test'],
      credentialId: 'usr_2',
      tag: 'spring',
      receivedAt: hourAgo(),
      sendAt: new Date(Date.now() + 3_600_000),
    });
    const filters = [
      ['--domain', 'b.test'],
      ['--key', 'usr_2'],
      ['--campaign', 'spring'],
      ['--age', '30m'],
      ['--state', 'scheduled'],
    ];
    for (const filter of filters) {
      const { data: listed } = await runJson(folder, 'queue', 'list', ...filter);
      expect([filter, listed.messages.map(({ id }: { id: string }) => id)]).toEqual([filter, [meant]]);
      const { data } = await runJson(folder, 'queue', 'hold', ...filter, '--dry-run');
      expect([filter, data]).toMatchObject([filter, { applied: false, changed: 1 }]);
    }
    for (const act of ['release', 'retry'])
      expect((await runJson(folder, 'queue', act, '--all', '--dry-run')).data).toMatchObject({ changed: 0 });
    expect((await runJson(folder, 'queue', 'show', meant)).data.message.state).toBe('scheduled');
  });

  it('tries again what Postal never took, with fresh attempts, and says why in the timeline', async () => {
    await using database = await testDatabase();
    using folder = folderFor(database);
    const [failed, other] = [await submit(database.db), await submit(database.db)];
    await database.db.change(`update recipients set state = 'failed', detail = 'not a verified domain'`);
    await database.db.change('update messages set next_attempt_at = null, attempts = 9');

    const tried = await runJson(folder, 'queue', 'retry', failed, '--reason', 'the domain is verified now');
    const { data } = await runJson(folder, 'queue', 'show', failed);
    const { timeline } = (await runJson(folder, 'trace', failed)).data;

    expect(tried.data).toMatchObject({ applied: true, changed: 1 });
    expect(data.message).toMatchObject({ state: 'queued', attempts: 0, next_attempt_at: expect.any(String) });
    expect(timeline).toContainEqual(
      expect.objectContaining({
        event: 'requeued',
        detail: { by: 'operator', act: 'retry', reason: 'the domain is verified now' },
      }),
    );
    expect((await runJson(folder, 'queue', 'show', other)).data.message).toMatchObject({
      state: 'failed',
      next_attempt_at: null,
    });
    expect((await runJson(folder, 'queue', 'retry', '--all')).data).toMatchObject({ changed: 1 });
  });

  it('drops only once it is agreed to, and nothing on a dry run', async () => {
    await using database = await testDatabase();
    using folder = folderFor(database);
    const old = await submit(database.db, { receivedAt: hourAgo() });
    const fresh = await submit(database.db);
    const drop = ['queue', 'drop', '--age', '30m'];

    expect((await runJson(folder, ...drop, '--dry-run')).data).toMatchObject({ applied: false, changed: 1 });
    expect(await runJson(folder, ...drop)).toMatchObject({ exit: 21 });
    expect((await runJson(folder, 'queue', 'show', old)).data.message.state).toBe('queued');

    expect((await runJson(folder, ...drop, '--yes')).data).toMatchObject({ applied: true, changed: 1 });
    expect((await runJson(folder, 'queue', 'show', old)).data.message.state).toBe('cancelled');
    expect((await runJson(folder, 'queue', 'show', fresh)).data.message.state).toBe('queued');
    expect((await runJson(folder, ...drop, '--yes')).data).toMatchObject({ changed: 0, plan: { steps: [] } });
  });

  it('pauses sending with a reason and resumes it', async () => {
    await using database = await testDatabase();
    using folder = folderFor(database);

    await runJson(folder, 'queue', 'pause', '--reason', 'a look', '--dry-run');
    expect((await sendingState(database.db))?.pausedAt).toBeNull();
    await runJson(folder, 'queue', 'pause', '--reason', 'the address is listed', '--for', '1h');
    const paused = await sendingState(database.db);
    await runJson(folder, 'queue', 'resume', '--dry-run');
    expect((await sendingState(database.db))?.pausedAt).not.toBeNull();
    const resumed = await runJson(folder, 'queue', 'resume');
    const again = await runJson(folder, 'queue', 'resume');

    expect(paused).toMatchObject({ pausedReason: 'the address is listed', pausedUntil: expect.any(Date) });
    expect(resumed.data).toMatchObject({ applied: true, changed: 1 });
    expect(again.data).toMatchObject({ changed: 0, plan: { title: 'Sending is not paused', steps: [] } });
    expect((await sendingState(database.db))?.pausedAt).toBeNull();
  });

  it.each([
    [['hold'], '--all'],
    [['hold', '--age', 'long', '--all'], '--age'],
    [['release', '--state', 'hold'], '--state'],
    [['list', '--limit', '0'], '--limit'],
    [['hold', '--all', '--for', 'ever'], '--for'],
    [['pause', '--reason', 'x', '--for', 'ever'], '--for'],
    [['show', 'msg_nope'], 'id'],
  ])('refuses %j by name and changes nothing', async (words, field) => {
    await using database = await testDatabase();
    using folder = folderFor(database);
    const id = await submit(database.db);

    expect(await runJson(folder, 'queue', ...words)).toMatchObject({
      exit: 2,
      error: { code: 'usage', field },
    });
    expect((await runJson(folder, 'queue', 'show', id)).data.message.state).toBe('queued');
  });

  it('prints a line a message to a person', async () => {
    await using database = await testDatabase();
    using folder = folderFor(database);
    expect((await runInProcess(['-C', folder.path, 'queue', 'list'])).out).toBe('nothing waits\n');
    const id = await submit(database.db);

    const { out } = await runInProcess(['-C', folder.path, 'queue', 'list']);

    expect(out).toMatch(new RegExp(`^${id} {2}queued .*0 attempts {2}ann@example.test {2}greeting\n$`));
  });
});
