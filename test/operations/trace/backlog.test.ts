import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { systemClock } from '../../../src/adapters/clock.ts';
import { filesInContainer } from '../../../src/adapters/container-files.ts';
import { systemDisk } from '../../../src/adapters/disk.ts';
import { OperatorError } from '../../../src/domain/failure.ts';
import { origin } from '../../../src/domain/journal-place.ts';
import { traceBacklog } from '../../../src/operations/trace/backlog.ts';
import { traceMessage } from '../../../src/operations/trace/show.ts';
import type { Runtime } from '../../../src/runtime.ts';
import { engineOfThisMachine } from '../../fakes/container.ts';
import {
  openTestJournal,
  setAllAside,
  submission,
  temporaryDirectory,
} from '../../services/relay/journal/fixture.ts';
import { worldWith } from '../status/world-with-relay.ts';

const wanted = (text: string, changes: { limit?: number; mostBytes?: number } = {}) => ({
  text,
  limit: 10,
  mostBytes: 1_000_000,
  ...changes,
});
const to = 'ann@example.org';
const number = (from: number) =>
  Array.from({ length: 40 }, (_, index) => ({
    ...submission(from + index, 400),
    envelope: { mailFrom: 'ams@example.com', rcptTo: [to] },
  }));

/** A journal of several segments, the last one still written to, of whose records the first `settled` are with the api. */
async function journalOf(directory: string, settled: number) {
  const open = await openTestJournal(directory);
  const all = number(1);
  for (const one of all) await open.journal.append(one);
  if (settled > 0) {
    const { next } = await open.journal.read(origin, { records: settled, bytes: 1_000_000 });
    await open.journal.settle(next);
  }
  return { ...open, ids: all.map(({ id }) => id) };
}

const idsOf = ({ traces }: Awaited<ReturnType<typeof traceBacklog>>) =>
  traces.map(({ message }) => message.id);

describe('what waits in the journal of a relay', () => {
  it('is found while the relay has it open, the newest first, and nothing that the api has', async () => {
    await using directory = await temporaryDirectory();
    await using relay = await journalOf(directory.path, 3);
    const files = { disk: systemDisk, directory: directory.path };
    const [first, , third, fourth] = relay.ids;

    expect((await readdir(directory.path)).filter((name) => name.endsWith('.sealed')).length).toBeGreaterThan(
      2,
    );
    expect(idsOf(await traceBacklog(files, wanted(to, { limit: 100 })))).toEqual(
      relay.ids.slice(3).toReversed(),
    );
    expect(idsOf(await traceBacklog(files, wanted(to, { limit: 2 })))).toEqual(
      relay.ids.slice(-2).toReversed(),
    );
    expect(idsOf(await traceBacklog(files, wanted(fourth ?? '')))).toEqual([fourth]);
    for (const id of [first, third]) expect(idsOf(await traceBacklog(files, wanted(id ?? '')))).toEqual([]);
  });

  it('is looked through up to a bound, from the newest on, and what was left out is told', async () => {
    await using directory = await temporaryDirectory();
    await using relay = await journalOf(directory.path, 0);
    const files = { disk: systemDisk, directory: directory.path };

    const some = await traceBacklog(files, wanted(to, { limit: 100, mostBytes: 6_000 }));

    expect(idsOf(some)).toEqual(relay.ids.slice(-some.traces.length).toReversed());
    expect(some.traces.length).toBeLessThan(relay.ids.length);
    expect(some.warnings).toEqual([expect.stringContaining('RELAY_TRACE_BYTES')]);
    expect((await traceBacklog(files, wanted(to))).warnings).toEqual([]);
  });

  it('is found in a segment that is sealed, or removed, between two looks', async () => {
    await using directory = await temporaryDirectory();
    await using relay = await journalOf(directory.path, 0);
    const names = (await readdir(directory.path)).filter((name) => /\.(open|sealed)$/.test(name)).toSorted();
    const [gone = '', open = ''] = [names[0], names.at(-1)];
    const sealed = open.replace('.open', '-1-1.sealed');
    const moved = async (from: string, name: string) =>
      rename(join(directory.path, from), join(directory.path, name));
    let isMoved = false;
    const disk = {
      ...systemDisk,
      read: async (path: string) => {
        if (path.endsWith('.open') && !isMoved) {
          await moved(open, sealed);
          await moved(gone, 'elsewhere');
          isMoved = true;
        }
        return systemDisk.read(path);
      },
    };

    const found = idsOf(await traceBacklog({ disk, directory: directory.path }, wanted(to, { limit: 100 })));
    await moved(sealed, open);
    await moved('elsewhere', gone);

    expect(found).toContain(relay.ids.at(-1));
    expect(found).not.toContain(relay.ids[0]);
    expect(found.length).toBeGreaterThan(20);
  });

  it("is found in the relay's container on the host of a stack, with what was set aside there", async () => {
    await using directory = await temporaryDirectory();
    const refused = submission(900);
    await setAllAside(directory.path, [refused], 'no such sender');
    await using relay = await journalOf(directory.path, 3);
    const world = await worldWith({ isStack: true, refusal: '401' });
    const container = {
      id: 'c1',
      service: 'relay',
      oneOff: false,
      state: 'running',
      environment: [`RELAY_JOURNAL_DIR=${directory.path}`],
    };
    const config = {
      ...(await world.config('operator')),
      RELAY_JOURNAL_DIR: '/nowhere/on/the/host',
      RELAY_TRACE_BYTES: 1_000_000,
    };
    const away = new OperatorError('unreachable', 'PostgreSQL cannot be reached', { hint: 'start it' });
    const host = {
      ...world,
      config: async () => config,
      clock: systemClock,
      postgres: async () => Promise.reject(away),
      docker: async () => ({ containers: async () => [container] }),
      filesIn: async (id: string) => filesInContainer(engineOfThisMachine, id, 60_000),
    } as unknown as Runtime;
    const last = relay.ids.at(-1) ?? '';

    expect(await traceMessage(host, last)).toMatchObject({
      trace: { message: { id: last, state: 'waiting' }, stuck: { hop: 'relay', command: 'mailctl up' } },
      warnings: [expect.stringContaining('PostgreSQL cannot be reached')],
    });
    expect((await traceMessage(host, refused.id)).trace).toMatchObject({
      message: { id: refused.id, state: 'refused' },
      stuck: { command: `mailctl journal requeue ${refused.id}` },
    });
  });

  it('is said not to be known where the disk fails', async () => {
    await using directory = await temporaryDirectory();
    const broken = Object.assign(new Error('i/o error'), { code: 'EIO' });
    const disk = { ...systemDisk, list: async () => Promise.reject(broken) };

    expect(await traceBacklog({ disk, directory: directory.path }, wanted(to))).toEqual({
      traces: [],
      warnings: [expect.stringContaining('i/o error')],
    });
  });
});
