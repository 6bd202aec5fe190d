import { mkdir, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { type DirectoryOwner, ownDirectory } from '../../src/adapters/directory-owner.ts';
import { temporaryDirectory } from '../services/relay/journal/fixture.ts';

const silentAfterMs = 10_000;

async function raceFor(directory: string): Promise<readonly DirectoryOwner[]> {
  const ends = await Promise.allSettled(
    Array.from({ length: 20 }, () => ownDirectory(directory, silentAfterMs)),
  );
  const losers = ends.filter((end) => end.status === 'rejected');
  expect(losers.map(({ reason }) => (reason as { code: string }).code)).toEqual(losers.map(() => 'locked'));
  return ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
}

describe('a directory with one owner', () => {
  it('refuses a second one and says who the first is', async () => {
    await using directory = await temporaryDirectory();
    const owner = await ownDirectory(directory.path, silentAfterMs);
    const refused = ownDirectory(directory.path, silentAfterMs);
    await expect(refused).rejects.toMatchObject({
      code: 'locked',
      exit: 11,
      message: expect.stringMatching(
        new RegExp(`^${directory.path} is in use by process ${process.pid} on \\S+ since \\d{4}-`),
      ),
      data: { pid: process.pid },
    });
    await owner.release();
  });

  it('can be had again after it was released, as often as one likes, and leaves one socket', async () => {
    await using directory = await temporaryDirectory();
    for (let time = 0; time < 5; time += 1)
      await (await ownDirectory(directory.path, silentAfterMs)).release();
    const names = await readdir(directory.path);
    expect(names).toEqual(['owner-5.sock']);
  });

  it('goes to exactly one of many who want it at once, when it is new and when its owner is gone', async () => {
    await using directory = await temporaryDirectory();
    for (let round = 0; round < 10; round += 1) {
      const winners = await raceFor(directory.path);
      expect(winners).toHaveLength(1);
      await expect(ownDirectory(directory.path, silentAfterMs)).rejects.toMatchObject({ code: 'locked' });
      await winners[0]?.release();
    }
  });

  it('may have a path longer than the name of a socket', async () => {
    await using directory = await temporaryDirectory();
    const long = join(directory.path, 'x'.repeat(120), 'y'.repeat(120));
    await mkdir(long, { recursive: true });
    const owner = await ownDirectory(long, silentAfterMs);
    await expect(ownDirectory(long, silentAfterMs)).rejects.toMatchObject({ code: 'locked' });
    await owner.release();
  });

  it('belongs to another machine as long as that one shows that it lives', async () => {
    await using directory = await temporaryDirectory();
    const card = join(directory.path, 'owner.json');
    const holder = { pid: 7, host: 'elsewhere', boot: 'another', since: '2026-01-01T00:00:00.000Z' };
    await writeFile(card, JSON.stringify(holder));
    await expect(ownDirectory(directory.path, silentAfterMs)).rejects.toMatchObject({
      message: `${directory.path} is in use by process 7 on elsewhere since 2026-01-01T00:00:00.000Z`,
    });
    const before = new Date(Date.now() - silentAfterMs - 1_000);
    await utimes(card, before, before);
    await (await ownDirectory(directory.path, silentAfterMs)).release();
  });

  it('shows by its beat that it lives', async () => {
    await using directory = await temporaryDirectory();
    const owner = await ownDirectory(directory.path, silentAfterMs);
    const card = join(directory.path, 'owner.json');
    await utimes(card, new Date(0), new Date(0));
    await owner.beat();
    expect(Date.now() - (await stat(card)).mtimeMs).toBeLessThan(5_000);
    await owner.release();
  });
});
