import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { decodeSubmission } from '../../src/domain/submission-codec.ts';
import { origin } from '../../src/domain/journal-place.ts';
import { envText } from '../config/valid-sources.ts';
import { runInProcess } from '../fakes/terminal.ts';
import {
  openTestJournal,
  readAll,
  readIds,
  submission,
  temporaryDirectory,
  until,
} from '../services/relay/journal/fixture.ts';

/** An operator's folder with the journal of a relay that runs in it, and what `mailctl journal` says there. */
async function relayFolder() {
  const directory = await temporaryDirectory();
  writeFileSync(join(directory.path, '.env'), envText({ RELAY_JOURNAL_DIR: 'journal' }), { mode: 0o600 });
  const path = join(directory.path, 'journal');
  const relay = await openTestJournal(path);
  const print = (...words: readonly string[]) => runInProcess(['-C', directory.path, ...words]);
  return {
    path,
    relay,
    print,
    run: async (...words: readonly string[]) => {
      const { exit, out } = await print('journal', ...words, '--json');
      const { data, error } = JSON.parse(out);
      return { exit, data, error };
    },
    /** Accepts messages which the api then refuses, and returns their ids. */
    refuse: async (count: number) => {
      const sent = Array.from({ length: count }, (_, number) => submission(number));
      for (const one of sent) await relay.journal.append(one);
      const { records, next } = await relay.journal.read(origin, { records: count, bytes: 1_000_000 });
      for (const record of records)
        await relay.journal.setAside(record, 'the api refused it:\nno such sender');
      await relay.journal.settle(next);
      return sent.map(({ id }) => id);
    },
    [Symbol.asyncDispose]: async () => {
      await relay[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}

type Relay = Awaited<ReturnType<typeof relayFolder>>;

/** Spoils one of three records on the medium, so that the relay sets it aside when it reads it, and returns its name. */
async function damage({ path, relay, run }: Relay): Promise<string> {
  await Promise.all([1, 2, 3].map((number) => relay.journal.append(submission(number))));
  const [name = ''] = readdirSync(path).filter((file) => file.endsWith('.open'));
  {
    await using segment = await open(join(path, name), 'r+');
    await segment.write(Buffer.from([0xff]), 0, 1, 300);
  }
  await readAll(relay.journal);
  const { data } = await run('list');
  return data.records[0].id;
}

const idsOf = (data: { readonly records: readonly { readonly id: string }[] }) =>
  data.records.map(({ id }) => id);
const waiting = ({ path }: Relay, folder: string) => readdirSync(join(path, folder));

describe('mailctl journal', () => {
  it('lists what the api refused, and shows the message in it', async () => {
    await using relay = await relayFolder();
    const [id = '', other = ''] = await relay.refuse(2);

    const { data } = await relay.run('list');
    const shown = await relay.run('show', id);

    expect(data.records).toMatchObject([
      { id, kind: 'refused', since: expect.stringMatching(/Z$/), bytes: expect.any(Number) },
      { id: other, reason: expect.stringContaining('no such sender') },
    ]);
    expect(shown.data.record).toMatchObject({
      id,
      path: null,
      message: {
        mail_from: 'ams@example.com',
        rcpt_to: ['r0@example.org'],
        subject: '0',
        credential_id: 'usr_1',
        client: { address: '192.0.2.1' },
        size_bytes: 100,
      },
    });
  });

  it('hands a record back to the relay that runs, which takes in exactly what it had accepted', async () => {
    await using relay = await relayFolder();
    const [id = '', other = ''] = await relay.refuse(2);
    const accepted = await readAll(relay.relay.journal);

    const { data } = await relay.run('requeue', id);
    await until('the relay took it in', () => waiting(relay, 'requeued').length === 0);

    expect(data).toMatchObject({ applied: true, changed: 1 });
    expect(data.plan.steps).toMatchObject([{ do: 'requeue', what: expect.stringContaining('within 5s') }]);
    expect(idsOf((await relay.run('list')).data)).toEqual([other]);
    const { payloads } = await readAll(relay.relay.journal, accepted.next);
    expect(payloads.map((payload) => decodeSubmission(payload))).toMatchObject([{ submission: { id } }]);
    expect(payloads[0]).toEqual(accepted.payloads[0]);
  });

  it('keeps what was handed back while no relay runs, says so, and does not drop it', async () => {
    await using relay = await relayFolder();
    const [id = ''] = await relay.refuse(1);
    await relay.relay.journal.close();

    await relay.run('requeue', '--all');
    const { data } = await relay.run('list');
    const shown = await relay.run('show', id);
    const dropped = await relay.run('drop', id, '--yes');

    expect(data.records).toMatchObject([{ id, kind: 'requeued' }]);
    expect(shown.data.record.message).toMatchObject({ subject: '0' });
    expect(dropped).toMatchObject({
      exit: 2,
      error: { field: 'id', message: expect.stringContaining('handed back') },
    });
    expect((await relay.run('drop', '--all', '--yes')).data).toMatchObject({
      changed: 0,
      plan: { steps: [] },
    });
    await using again = await openTestJournal(relay.path);
    await until('the relay took it in', () => waiting(relay, 'requeued').length === 0);
    expect(await readIds(again.journal)).toEqual([id, id]);
  });

  it('drops a record only once it is agreed to, and nothing on a dry run', async () => {
    await using relay = await relayFolder();
    const [id = '', other = ''] = await relay.refuse(2);

    expect(await relay.run('drop', id, '--dry-run')).toMatchObject({ data: { applied: false, changed: 1 } });
    expect(await relay.run('drop', id)).toMatchObject({ exit: 21 });
    expect(idsOf((await relay.run('list')).data)).toEqual([id, other]);
    expect(await relay.run('drop', id, '--yes')).toMatchObject({ exit: 0, data: { changed: 1 } });
    expect(idsOf((await relay.run('list')).data)).toEqual([other]);
  });

  it('shows what is left of a damaged record, never ships it, and drops it for good', async () => {
    await using relay = await relayFolder();
    const id = await damage(relay);

    const { record } = (await relay.run('show', id)).data;
    const requeued = await relay.run('requeue', id);
    await relay.run('drop', id, '--yes');

    expect(record).toMatchObject({ id, kind: 'damaged', message: null, bytes: expect.any(Number) });
    expect(readFileSync(record.path)).toHaveLength(0);
    expect(requeued).toMatchObject({ exit: 2, error: { field: 'id' } });
    expect((await relay.run('list')).data.records).toEqual([]);
    expect(await relay.relay.journal.setAsideCount()).toEqual({ refused: 0, damaged: 0 });
  });

  it('does not find a dropped record again when the relay restarts', async () => {
    await using relay = await relayFolder();
    await relay.run('drop', await damage(relay), '--yes');
    await relay.relay.journal.close();

    await using again = await openTestJournal(relay.path);
    await readAll(again.journal);

    expect((await relay.run('list')).data.records).toEqual([]);
    expect(await again.journal.setAsideCount()).toEqual({ refused: 0, damaged: 0 });
  });

  it('asks the relay that runs to ship again what was acknowledged since then', async () => {
    await using relay = await relayFolder();
    const wishes: Date[] = [];
    relay.relay.journal.shippedBy(async (since) => wishes.push(since));

    const { data } = await relay.run('ship', '--since', '2026-01-31T12:00:00Z');
    await until('it was asked', () => wishes.length > 0);
    await until(
      'the wish is forgotten',
      () => !readdirSync(relay.path).some((name) => name.startsWith('reship-')),
    );

    expect(data.plan.steps[0].what).toContain('only the last 1d are kept');
    expect(data).toMatchObject({ applied: true, changed: 1 });
    expect(wishes).toEqual([new Date('2026-01-31T12:00:00Z')]);
  });

  it.each([
    [['show', 'msg_nope'], 'id'],
    [['requeue', 'msg_nope'], 'id'],
    [['requeue'], '--all'],
    [['requeue', 'msg_nope', '--all'], '--all'],
    [['drop', 'msg_nope', '--all', '--yes'], '--all'],
    [['drop', '../progress', '--yes'], 'id'],
    [['ship', '--since', 'long ago'], '--since'],
    [['ship', '--since', '2999-01-01T00:00:00Z'], '--since'],
  ])('refuses %j by name', async (words, field) => {
    await using relay = await relayFolder();
    const ids = await relay.refuse(1);

    expect(await relay.run(...words)).toMatchObject({ exit: 2, error: { code: 'usage', field } });
    expect(idsOf((await relay.run('list')).data)).toEqual(ids);
    expect(readdirSync(relay.path)).not.toContain('reship-since');
  });

  it('says where to run it when there is no journal', async () => {
    await using relay = await relayFolder();
    await relay.relay.journal.close();
    await rm(relay.path, { recursive: true });

    for (const words of [['list'], ['requeue', '--all'], ['ship', '--since', '1h']])
      expect(await relay.run(...words)).toMatchObject({
        exit: 13,
        error: { field: 'RELAY_JOURNAL_DIR', hint: expect.stringContaining('where the relay runs') },
      });
  });

  it('prints a line a record, and a record with its envelope, to a person', async () => {
    await using relay = await relayFolder();
    expect((await relay.print('journal', 'list')).out).toBe('nothing is set aside\n');
    const [id = ''] = await relay.refuse(1);

    const list = (await relay.print('journal', 'list')).out;
    const shown = (await relay.print('journal', 'show', id)).out;

    expect(list).toMatch(new RegExp(`^${id} {2}refused  .* bytes  the api refused it: no such sender\n$`));
    expect(shown).toContain('\n  to        r0@example.org\n  subject   0\n');
  });
});
