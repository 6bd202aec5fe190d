import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { filesInContainer } from '../../../src/adapters/container-files.ts';
import { systemDisk } from '../../../src/adapters/disk.ts';
import { refuseUnshipped, shipAgain } from '../../../src/operations/backup/restore-ship.ts';
import type { PendingRestore } from '../../../src/operations/backup/restore-names.ts';
import type { Workplace } from '../../../src/operations/backup/workplace.ts';
import { forgetTakenWish, takeReshipWish } from '../../../src/upkeep/reship-wish.ts';
import { temporaryFolder } from '../../cli/folders.ts';
import { engineOfThisMachine } from '../../fakes/container.ts';

const since = new Date('2026-11-27T10:00:00.000Z');
const pending: PendingRestore = {
  id: '20261127T100000Z-abcd',
  stores: ['postgres', 'mariadb'],
  dumped_at: since.toISOString(),
  restored_at: '2026-11-27T11:00:00.000Z',
  state: 'pending',
  shipping: 'asked',
};

interface Stack {
  /** What the relay's container was told of its journal. */
  readonly journal: string;
  readonly state?: string;
  readonly target?: Workplace['target'];
}

/** The host of a stack, whose own RELAY_JOURNAL_DIR leads nowhere; collects its warnings. */
function hostOf({ journal, state = 'running', target }: Stack, warnings: string[] = []): Workplace {
  const relay = {
    id: 'c1',
    service: 'relay',
    oneOff: false,
    state,
    environment: ['LOG_LEVEL=info', `RELAY_JOURNAL_DIR=${journal}`],
  };
  const config = { RELAY_JOURNAL_DIR: '/nowhere/on/the/host', RELAY_JOURNAL_KEEP: 86_400_000 };
  return {
    config,
    target,
    warn: (line: string) => warnings.push(line),
    world: {
      dir: '/',
      clock: { now: () => new Date('2026-11-27T12:00:00.000Z') },
      config: async () => config,
      addresses: { onHost: async () => true },
      docker: async () => ({ containers: async () => [relay] }),
      filesIn: async (id: string) => filesInContainer(engineOfThisMachine, id, 60_000),
    },
  } as unknown as Workplace;
}

function journalIn(folder: string): string {
  const journal = join(folder, 'journal');
  mkdirSync(join(journal, 'refused'), { recursive: true });
  return journal;
}

describe("a restore on a stack's host", () => {
  it("leaves the wish to ship again in the relay's container, and commit waits until the relay has granted it", async () => {
    using folder = temporaryFolder();
    const journal = journalIn(folder.path);
    const warnings: string[] = [];
    const place = hostOf({ journal }, warnings);

    expect(await shipAgain(place, since)).toBe('asked');
    expect(warnings).toEqual([]);
    expect(readFileSync(join(journal, 'reship-since'), 'utf8')).toBe(`${since.toISOString()}\n`);

    const waits = { code: 'refused', message: expect.stringContaining('has not shipped again') };
    await expect(refuseUnshipped(place, pending, true)).rejects.toMatchObject(waits);
    expect(await takeReshipWish(systemDisk, journal)).toEqual(since);
    await expect(refuseUnshipped(place, pending, false)).rejects.toMatchObject(waits);
    await forgetTakenWish(systemDisk, journal);
    await refuseUnshipped(place, pending, false);
  });

  it('keeps a wish that goes back further', async () => {
    using folder = temporaryFolder();
    const journal = journalIn(folder.path);
    writeFileSync(join(journal, 'reship-since'), '2026-11-27T09:00:00.000Z\n');
    await shipAgain(hostOf({ journal }), since);
    expect(readFileSync(join(journal, 'reship-since'), 'utf8')).toBe('2026-11-27T09:00:00.000Z\n');
    expect(readdirSync(journal)).not.toContain('reship-since.new');
  });

  it.each([
    ['does not run', { journal: '/nowhere', state: 'exited' }, 'does not run'],
    ['has no journal', { journal: '/nowhere/at/all' }, 'no journal'],
    [
      'is that of another host',
      { journal: '/nowhere', target: { file: 'there.env', mark: 'a' } },
      'not seen from here',
    ],
  ])('whose relay %s says what to type where, and commit wants the word for it', async (_, stack, why) => {
    const warnings: string[] = [];
    const place = hostOf(stack, warnings);
    expect(await shipAgain(place, since)).toBe('unseen');
    const command = `mailctl journal ship --since ${since.toISOString()}`;
    expect(warnings).toEqual([expect.stringMatching(new RegExp(`${why}.*${command}`))]);

    const unseen = { ...pending, shipping: 'unseen' as const };
    await expect(refuseUnshipped(place, unseen, false)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining(why),
      hint: expect.stringContaining(command),
      field: '--relays-shipped',
    });
    await refuseUnshipped(place, unseen, true);
  });

  it('does not take a relay that was never asked for one that has shipped', async () => {
    using folder = temporaryFolder();
    const place = hostOf({ journal: journalIn(folder.path) });
    const unseen = { ...pending, shipping: 'unseen' as const };
    await expect(refuseUnshipped(place, unseen, false)).rejects.toMatchObject({
      message: expect.stringContaining('never asked'),
    });
  });

  it('asks nothing of relays for Postal alone, nor once all is decided', async () => {
    const place = hostOf({ journal: '/nowhere' });
    await refuseUnshipped(place, { ...pending, stores: ['mariadb'] }, false);
    await refuseUnshipped(place, { ...pending, state: 'settled' }, false);
  });

  it('names mail that relays keep no longer', async () => {
    using folder = temporaryFolder();
    const warnings: string[] = [];
    const place = hostOf({ journal: journalIn(folder.path) }, warnings);
    await shipAgain(place, new Date('2026-11-20T10:00:00Z'));
    expect(warnings).toEqual([expect.stringContaining('before 2026-11-26T12:00:00.000Z is lost')]);
  });
});
