import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { systemDisk } from '../../../../src/adapters/disk.ts';
import type { Journal } from '../../../../src/services/relay/journal/journal.ts';
import { wishReship } from '../../../../src/upkeep/reship-wish.ts';
import {
  dropSetAside,
  listSetAside,
  readSetAside,
  requeueSetAside,
} from '../../../../src/upkeep/set-aside.ts';
import { openTestJournal, submission, temporaryDirectory, until } from '../journal/fixture.ts';
import { standingClock } from '../../../fakes/standing-clock.ts';
import { ship } from './fixture.ts';
import { startStandInApi } from './stand-in-api.ts';

async function fill(journal: Journal, count: number, first = 0): Promise<readonly string[]> {
  const sent = Array.from({ length: count }, (_, number) => submission(first + number));
  await Promise.all(sent.map((one) => journal.append(one)));
  return sent.map(({ id }) => id);
}

describe('the shipper', () => {
  it('takes everything to the api once, oldest first, in requests of the wire’s form', async () => {
    await using directory = await temporaryDirectory();
    await using api = await startStandInApi();
    await using opened = await openTestJournal(directory.path);
    const sent = await fill(opened.journal, 100);
    await using shipping = ship(api, { journal: opened.journal, config: { RELAY_SHIP_CONCURRENCY: 1 } });
    await until('all is stored', async () => (await opened.journal.backlog()).records === 0);
    expect([...api.stored.keys()]).toEqual(sent);
    expect(new Set(api.stored.values())).toEqual(new Set([1]));
    expect(Math.max(...api.batches.map(({ length }) => length))).toBe(8);
    expect(api.requests[0]).toMatchObject({
      path: '/internal/v1/submissions',
      headers: {
        authorization: 'Bearer token-of-the-relay',
        'content-type': 'application/vnd.mailctl.submissions',
      },
    });
    expect(shipping.shipper.figures().records).toEqual({ stored: 100, alias: 0, refused: 0 });
  });

  it('notices what is accepted later, and keeps at most so many requests under way', async () => {
    await using directory = await temporaryDirectory();
    await using api = await startStandInApi();
    await using opened = await openTestJournal(directory.path);
    await using _ = ship(api, { journal: opened.journal });
    for (let round = 0; round < 5; round += 1) {
      const sent = await fill(opened.journal, 40, round * 40);
      await until('the round is stored', () => sent.every((id) => api.stored.has(id)));
    }
    expect(api.mostAtOnce()).toBeLessThanOrEqual(2);
    expect(new Set(api.stored.values())).toEqual(new Set([1]));
  });

  it('sends the first at once, gathers what comes soon after it, and waits for no more once a request is full', async () => {
    await using directory = await temporaryDirectory();
    await using api = await startStandInApi();
    await using opened = await openTestJournal(directory.path);
    const clock = standingClock();
    await using _ = ship(api, {
      journal: opened.journal,
      config: { RELAY_SHIP_GATHER: 1_000 },
      world: { clock },
    });
    const [first = ''] = await fill(opened.journal, 1);
    await until('the first is stored', () => api.stored.has(first));
    for (let number = 1; number <= 5; number += 1) await fill(opened.journal, 1, number);
    expect(api.batches).toEqual([[first]]);

    clock.advance(1_000);
    await until('the others are stored', () => api.stored.size === 6);
    expect(api.batches.map(({ length }) => length)).toEqual([1, 5]);

    clock.advance(1_000);
    const many = await fill(opened.journal, 16, 100);
    await until('the full requests are stored', () => many.every((id) => api.stored.has(id)));
    expect(api.batches.slice(2).map(({ length }) => length)).toEqual([8, 8]);
  });

  it('takes a message larger than a request with nothing beside it', async () => {
    await using directory = await temporaryDirectory();
    await using api = await startStandInApi();
    await using opened = await openTestJournal(directory.path);
    const beside: (readonly string[])[] = [];
    const underWay = new Set<readonly string[]>();
    const isLarge = (ids: readonly string[]) => ids.includes(large.id);
    api.behave = async (ids): Promise<'judge'> => {
      if (isLarge(ids) || [...underWay].some(isLarge)) beside.push(...underWay);
      underWay.add(ids);
      for (let turn = 0; isLarge(ids) && turn < 20_000; turn += 1) await new Promise(setImmediate);
      underWay.delete(ids);
      return 'judge';
    };
    const large = { ...submission(500), raw: Buffer.alloc(20_000, 'x') };
    await fill(opened.journal, 12);
    await opened.journal.append(large);
    const after = await fill(opened.journal, 12, 100);
    await using _ = ship(api, { journal: opened.journal });
    await until('all is stored', () => after.every((id) => api.stored.has(id)));

    expect(beside).toEqual([]);
  });

  it('leaves an api that is away in peace and goes on by itself when it is back', async () => {
    await using directory = await temporaryDirectory();
    await using api = await startStandInApi();
    await using opened = await openTestJournal(directory.path);
    await api.close();
    await using shipping = ship(api, { journal: opened.journal });
    const sent = await fill(opened.journal, 30);
    await until('the circuit opens', () => shipping.shipper.circuit() === 'open');
    expect(await shipping.shipper.probe()).toEqual({ ok: true });
    const failed = shipping.shipper.figures().requests.failed;
    expect(failed).toBeLessThanOrEqual(5);
    await api.open();
    await until('all is stored', () => sent.every((id) => api.stored.has(id)));
    await until('all is settled', async () => (await opened.journal.backlog()).records === 0);
    expect(shipping.shipper.circuit()).toBe('closed');
  });

  it('stores once what it ships again because the answer was lost', async () => {
    await using directory = await temporaryDirectory();
    await using api = await startStandInApi();
    await using opened = await openTestJournal(directory.path);
    const sent = await fill(opened.journal, 40);
    let swallowed = 0;
    api.behave = () => (swallowed++ % 3 === 0 ? 'swallow' : 'judge');
    await using _ = ship(api, { journal: opened.journal });
    await until('all is settled', async () => (await opened.journal.backlog()).records === 0);
    expect(new Set(api.stored.keys())).toEqual(new Set(sent));
    expect(Math.max(...api.stored.values())).toBeGreaterThan(1);
  });

  it('goes on where it was after it was stopped in the middle', async () => {
    await using directory = await temporaryDirectory();
    await using api = await startStandInApi();
    const sent: string[] = [];
    for (let time = 0; time < 4; time += 1) {
      await using opened = await openTestJournal(directory.path);
      sent.push(...(await fill(opened.journal, 50, time * 50)));
      await using _ = ship(api, { journal: opened.journal });
      await until('something more is stored', () => api.stored.size > time * 30);
    }
    await using opened = await openTestJournal(directory.path);
    await using _ = ship(api, { journal: opened.journal });
    await until('all is stored', () => api.stored.size === sent.length);
    expect([...api.stored.keys()].toSorted()).toEqual(sent.toSorted());
  });

  it.each([401, 403, 429, 404, 302])(
    'judges no record and is not ready while the api answers %i to the request',
    async (status) => {
      await using directory = await temporaryDirectory();
      await using api = await startStandInApi();
      await using opened = await openTestJournal(directory.path);
      api.behave = () => status;
      await using shipping = ship(api, { journal: opened.journal });
      const sent = await fill(opened.journal, 5);
      await until('it is not ready', async () => !(await shipping.shipper.probe()).ok);
      await until('it asks again', () => api.requests.length > 4);
      expect(await opened.journal.backlog()).toMatchObject({ records: 5 });
      expect(await opened.journal.setAsideCount()).toEqual({ refused: 0, damaged: 0 });
      expect(shipping.shipper.circuit()).toBe('closed');
      expect(shipping.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
      api.behave = () => 'judge';
      await until('all is stored', () => sent.every((id) => api.stored.has(id)));
      await until('it is ready', async () => (await shipping.shipper.probe()).ok);
    },
  );

  it.each([
    ['no JSON', '<html>bad gateway</html>'],
    ['verdicts for other records', '{"results":[{"id":"msg_0","verdict":"stored"}]}'],
    ['too few verdicts', '{"results":[]}'],
    ['a verdict nobody knows', '{"results":[{"id":"msg_0","verdict":"lost"}]}'],
  ])('judges nothing by a good answer with %s', async (_, body) => {
    await using directory = await temporaryDirectory();
    await using api = await startStandInApi();
    await using opened = await openTestJournal(directory.path);
    api.behave = () => ({ body });
    await using shipping = ship(api, { journal: opened.journal });
    const sent = await fill(opened.journal, 1);
    await until('the circuit opens', () => shipping.shipper.circuit() !== 'closed');
    expect((await opened.journal.backlog()).records).toBe(1);
    api.behave = () => 'judge';
    await until('it is stored', () => sent.every((id) => api.stored.has(id)));
  });

  it('sets aside what the api refuses, with its reason, and ships the others', async () => {
    await using directory = await temporaryDirectory();
    await using api = await startStandInApi();
    await using opened = await openTestJournal(directory.path);
    const sent = await fill(opened.journal, 20);
    const bad = sent[7] ?? '';
    api.refuse = (id) => (id === bad ? 'the sender is not allowed' : undefined);
    await using shipping = ship(api, { journal: opened.journal });
    await until('all is settled', async () => (await opened.journal.backlog()).records === 0);
    expect([...api.stored.keys()].toSorted()).toEqual(sent.filter((id) => id !== bad).toSorted());
    expect(await listSetAside(systemDisk, directory.path)).toEqual([bad]);
    const shown = await readSetAside(systemDisk, directory.path, bad);
    expect(shown?.entry).toMatchObject({
      name: bad,
      reason: 'the sender is not allowed',
      mailFrom: 'ams@example.com',
      rcptTo: ['r7@example.org'],
    });
    expect(shipping.lines).toContainEqual(
      expect.objectContaining({ level: 'error', fields: expect.objectContaining({ message_id: bad }) }),
    );
  });

  it('ships a record that was requeued, and never one that was dropped', async () => {
    await using directory = await temporaryDirectory();
    await using api = await startStandInApi();
    await using opened = await openTestJournal(directory.path);
    const [first = '', second = ''] = await fill(opened.journal, 2);
    api.refuse = () => 'not now';
    await using _ = ship(api, { journal: opened.journal });
    await until('both are set aside', async () => (await opened.journal.setAsideCount()).refused === 2);
    api.refuse = () => undefined;
    expect(await requeueSetAside(systemDisk, directory.path, first)).toBe(true);
    expect(await dropSetAside(systemDisk, directory.path, second)).toBe(true);
    expect(await requeueSetAside(systemDisk, directory.path, second)).toBe(false);
    expect(await dropSetAside(systemDisk, directory.path, '../progress')).toBe(false);
    await until('the requeued one is stored', () => api.stored.has(first));
    await until('all is settled', async () => (await opened.journal.backlog()).records === 0);
    expect(api.stored.has(second)).toBe(false);
    await until(
      'its copy is gone',
      async () => (await readdir(join(directory.path, 'requeued'))).length === 0,
    );
    expect(await readdir(join(directory.path, 'refused'))).toEqual([]);
  });

  it('sets aside under its place a record that nobody can read', async () => {
    await using directory = await temporaryDirectory();
    await using api = await startStandInApi();
    await using opened = await openTestJournal(directory.path);
    await writeFile(join(directory.path, 'requeued', 'strange.record'), '{}\n\u0009of a version to come');
    await using _ = ship(api, { journal: opened.journal });
    await until('it is set aside', async () => (await opened.journal.setAsideCount()).refused === 1);
    const sent = await fill(opened.journal, 3);
    await until('the others are stored', () => sent.every((id) => api.stored.has(id)));
    const shown = await readSetAside(systemDisk, directory.path, '1-0');
    expect(shown?.entry).toMatchObject({ reason: 'cannot be read', bytes: 21 });
    expect(shown?.payload.toString()).toBe('\u0009of a version to come');
    await writeFile(join(directory.path, 'refused', 'odd.record'), 'no description\nbut octets');
    expect(await readSetAside(systemDisk, directory.path, 'odd')).toMatchObject({
      entry: { name: 'odd', reason: 'its description cannot be read', bytes: 10 },
    });
    expect(await readSetAside(systemDisk, directory.path, 'none')).toBeUndefined();
  });

  it('makes smaller requests when the api finds one too large, and sets the record aside that is too large alone', async () => {
    await using directory = await temporaryDirectory();
    await using api = await startStandInApi();
    await using opened = await openTestJournal(directory.path);
    const sent = await fill(opened.journal, 12);
    api.behave = (ids) => (ids.length > 1 || ids[0] === sent[3] ? 413 : 'judge');
    await using shipping = ship(api, { journal: opened.journal, config: { RELAY_SHIP_CONCURRENCY: 1 } });
    await until('all is settled', async () => (await opened.journal.backlog()).records === 0);
    expect([...api.stored.keys()]).toEqual(sent.filter((id) => id !== sent[3]));
    expect(shipping.shipper.figures().records).toEqual({ stored: 11, alias: 0, refused: 1 });
    expect(await shipping.shipper.probe()).toEqual({ ok: true });
    expect(await listSetAside(systemDisk, directory.path)).toEqual([sent[3]]);
    const aside = await readSetAside(systemDisk, directory.path, sent[3] ?? '');
    expect(aside?.entry.reason).toContain('413');
  });

  it('is not stuck by an api that takes requests and never answers', async () => {
    await using directory = await temporaryDirectory();
    await using api = await startStandInApi();
    await using opened = await openTestJournal(directory.path);
    api.behave = () => 'hang';
    await using shipping = ship(api, { journal: opened.journal, config: { RELAY_SHIP_TIMEOUT: 60 } });
    const sent = await fill(opened.journal, 3);
    await until('it probed more than once', () => shipping.shipper.figures().requests.failed > 4);
    api.behave = () => 'judge';
    await until('all is judged', () => shipping.shipper.figures().records.stored === 3);
    expect(sent.every((id) => api.stored.has(id))).toBe(true);
  });

  it('is not stuck by a client that never comes back from a request', async () => {
    await using directory = await temporaryDirectory();
    await using api = await startStandInApi();
    await using opened = await openTestJournal(directory.path);
    const never = { exchange: () => new Promise<never>(() => undefined) };
    await using shipping = ship(api, {
      journal: opened.journal,
      config: { RELAY_SHIP_TIMEOUT: 30 },
      world: { http: never },
    });
    await fill(opened.journal, 1);
    await until('it probed more than once', () => shipping.shipper.figures().requests.failed > 4);
    expect(shipping.shipper.figures().requests.judged).toBe(0);
  });

  it('ships again what was acknowledged since a time, which stores nothing twice', async () => {
    await using directory = await temporaryDirectory();
    await using api = await startStandInApi();
    await using opened = await openTestJournal(directory.path);
    const sent = await fill(opened.journal, 30);
    await using shipping = ship(api, { journal: opened.journal });
    await until('all is settled', async () => (await opened.journal.backlog()).records === 0);
    api.stored.clear();
    await shipping.shipper.reship(new Date(Date.now() - 60_000));
    await until('all is stored again', () => sent.every((id) => api.stored.has(id)));
    await until('all is settled again', async () => (await opened.journal.backlog()).records === 0);
    expect(new Set(api.stored.values())).toEqual(new Set([1]));
  });

  it('ships again when the operator leaves the wish in the directory, and forgets one it cannot read', async () => {
    await using directory = await temporaryDirectory();
    await using api = await startStandInApi();
    await using opened = await openTestJournal(directory.path);
    const sent = await fill(opened.journal, 10);
    await using _ = ship(api, { journal: opened.journal });
    await until('all is settled', async () => (await opened.journal.backlog()).records === 0);
    api.stored.clear();
    const hasWish = async () => (await readdir(directory.path)).some((name) => name.startsWith('reship-'));
    await writeFile(join(directory.path, 'reship-since'), 'the other day');
    await until('the first wish is gone', async () => !(await hasWish()));
    expect(api.stored.size).toBe(0);
    await wishReship(systemDisk, directory.path, new Date(Date.now() - 60_000));
    await until('all is stored again', () => sent.every((id) => api.stored.has(id)));
    await until('the wish is gone', async () => !(await hasWish()));
    await until('all is settled', async () => (await opened.journal.backlog()).records === 0);
    expect(new Set(api.stored.values())).toEqual(new Set([1]));
  });

  it('grants a wish that comes while another is being granted, and forgets neither', async () => {
    await using directory = await temporaryDirectory();
    await using opened = await openTestJournal(directory.path);
    const wishes: Date[] = [];
    const granted: (() => void)[] = [];
    opened.journal.shippedBy((since) => {
      wishes.push(since);
      return new Promise<void>((resolve) => granted.push(resolve));
    });
    const [first, second] = [new Date(1_000), new Date(2_000)];
    await wishReship(systemDisk, directory.path, first);
    await until('the first is being granted', () => wishes.length === 1);
    await wishReship(systemDisk, directory.path, second);
    granted[0]?.();
    await until('the second is granted', () => wishes.length === 2);
    expect(wishes).toEqual([first, second]);
  });

  it('of two wishes that wait grants the one that goes back further', async () => {
    await using directory = await temporaryDirectory();
    const [early, late] = [new Date(1_000), new Date(2_000)];
    for (const since of [early, late]) await wishReship(systemDisk, directory.path, since);
    await using opened = await openTestJournal(directory.path);
    const wishes: Date[] = [];
    opened.journal.shippedBy(async (since) => wishes.push(since));
    await until('it is granted', () => wishes.length > 0);
    expect(wishes).toEqual([early]);
  });

  it('grants after a restart a wish that was taken and not granted', async () => {
    await using directory = await temporaryDirectory();
    const since = new Date(1_000);
    {
      await using opened = await openTestJournal(directory.path);
      const taken: Date[] = [];
      opened.journal.shippedBy((wish) => {
        taken.push(wish);
        return new Promise(() => undefined);
      });
      await wishReship(systemDisk, directory.path, since);
      await until('it is taken', () => taken.length > 0);
    }
    await using again = await openTestJournal(directory.path);
    const wishes: Date[] = [];
    again.journal.shippedBy(async (wish) => wishes.push(wish));
    await until('it is granted', () => wishes.length > 0);
    expect(wishes).toEqual([since]);
  });

  it('takes in the answer that is under way when it is stopped, and begins nothing more', async () => {
    await using directory = await temporaryDirectory();
    await using api = await startStandInApi();
    await using opened = await openTestJournal(directory.path);
    const started = ship(api, { journal: opened.journal, config: { RELAY_SHIP_CONCURRENCY: 1 } });
    await fill(opened.journal, 40);
    await until('a request is under way', () => api.requests.length > 0);
    await Promise.all([started.shipper.stop(), started.shipper.stop()]);
    const asked = api.requests.length;
    expect((await opened.journal.backlog()).records).toBe(40 - api.stored.size);
    await fill(opened.journal, 5, 40);
    await expect(started.shipper.reship(new Date(0))).rejects.toThrow('stopped');
    expect(api.requests.length).toBe(asked);
    await started[Symbol.asyncDispose]();
  });

  it('takes in all answers under way when it is stopped', async () => {
    await using directory = await temporaryDirectory();
    await using api = await startStandInApi();
    await using opened = await openTestJournal(directory.path);
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    api.behave = () => gate.then(() => 'judge');
    await fill(opened.journal, 40);
    const started = ship(api, { journal: opened.journal });
    await until('two requests are under way', () => api.requests.length === 2);
    const stopped = started.shipper.stop();
    open();
    await stopped;
    expect((await opened.journal.backlog()).records).toBe(40 - 16);
    await started[Symbol.asyncDispose]();
  });

  it('stops within its time although an answer does not come', async () => {
    await using directory = await temporaryDirectory();
    await using api = await startStandInApi();
    await using opened = await openTestJournal(directory.path);
    api.behave = () => 'hang';
    const config = { RELAY_SHUTDOWN_TIMEOUT: 50, RELAY_SHIP_TIMEOUT: 1_000 };
    const started = ship(api, { journal: opened.journal, config });
    await fill(opened.journal, 1);
    await until('a request is under way', () => api.requests.length > 0);
    const begun = performance.now();
    await started.shipper.stop();
    expect(performance.now() - begun).toBeLessThan(900);
    await started[Symbol.asyncDispose]();
  });

  it('goes on when the journal could not be read for a while', async () => {
    await using directory = await temporaryDirectory();
    await using api = await startStandInApi();
    await using opened = await openTestJournal(directory.path);
    let failures = 3;
    const { journal } = opened;
    const failing: Journal = {
      ...journal,
      read: async (...asked) => {
        if (failures-- > 0) throw new Error('EIO: i/o error, read');
        return journal.read(...asked);
      },
    };
    const sent = await fill(journal, 10);
    await using shipping = ship(api, { journal: failing });
    await until('all is stored', () => sent.every((id) => api.stored.has(id)));
    expect(shipping.lines.filter(({ msg }) => msg.includes('failure of the journal'))).toHaveLength(3);
  });
});
