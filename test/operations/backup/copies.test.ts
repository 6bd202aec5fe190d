import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { type Archive, systemArchive } from '../../../src/adapters/archive.ts';
import { openFiles } from '../../../src/adapters/files.ts';
import type { Manifest } from '../../../src/domain/backup-set.ts';
import { planCopy, planMissingCopies } from '../../../src/operations/backup/copy.ts';
import { copyToFolder } from '../../../src/operations/backup/copy-to-folder.ts';
import type { BackupSet } from '../../../src/operations/backup/sets.ts';
import type { Workplace } from '../../../src/operations/backup/workplace.ts';
import { temporaryFolder } from '../../cli/folders.ts';

const sha256 = (octets: Buffer) => createHash('sha256').update(octets).digest('hex');

/** Sets of one file each in a folder of sets, the newest first, and where they are copied to. */
function shelfIn(dir: string, archive: Archive) {
  const [shelf, elsewhere] = [join(dir, 'backups'), join(dir, 'elsewhere')];
  const dump = Buffer.alloc(3_000_000, 'rows');
  const sets = ['20261127T100000Z-abcd', '20261126T100000Z-efgh'].map((id) => setIn(shelf, id, dump));
  const place = {
    archive,
    shelf,
    config: { BACKUP_TIMEOUT: 60_000, BACKUP_COPY_DIR: elsewhere },
    stop: new AbortController().signal,
    tell: () => undefined,
    world: {
      dir,
      clock: { monotonicMs: () => 0, now: () => new Date('2026-11-27T12:00:00Z') },
      archive: async () => archive,
      files: openFiles(process.getuid?.()),
      config: async () => ({ BACKUP_DIR: 'backups', BACKUP_VERIFY_KEY: 'none' }),
    },
  } as unknown as Workplace;
  const [set] = sets;
  if (!set) throw new Error('no set');
  return { sets, set, place, elsewhere, id: set.id, dump, record: join(shelf, set.id, 'copies.json') };
}

function setIn(shelf: string, id: string, dump: Buffer): BackupSet {
  const manifest = Buffer.from('{}');
  mkdirSync(join(shelf, id), { recursive: true });
  writeFileSync(join(shelf, id, 'dump'), dump);
  writeFileSync(join(shelf, id, 'manifest.json'), manifest);
  const parts = [{ file: 'dump', bytes: dump.length, sha256: sha256(dump) }];
  return { id, manifest: { parts } as unknown as Manifest, manifestSha256: sha256(manifest), proofs: [] };
}

/** A disk that gives back another octet than was written, of a file with this name. */
function turning(name: string): Archive {
  return {
    ...systemArchive,
    digest: (path, signal) => {
      if (path.endsWith(`.partial/${name}`) && existsSync(path)) {
        const octets = readFileSync(path);
        octets.writeUInt8(octets.readUInt8(octets.length - 1) ^ 1, octets.length - 1);
        writeFileSync(path, octets);
      }
      return systemArchive.digest(path, signal);
    },
  };
}

describe('a copy in a folder', () => {
  it('stands under its name once every file was read back the same', async () => {
    using folder = temporaryFolder();
    const { set, place, elsewhere, id, dump } = shelfIn(folder.path, systemArchive);
    await copyToFolder(place, set, elsewhere);
    expect(readFileSync(join(elsewhere, id, 'dump')).equals(dump)).toBe(true);
  });

  it.each(['dump', 'manifest.json'])(
    'does not count where another octet of %s is read back',
    async (name) => {
      using folder = temporaryFolder();
      const { set, place, elsewhere, id, record } = shelfIn(folder.path, turning(name));
      const plan = await planCopy(place, set);
      await expect(plan.steps[0]?.run(place.world)).rejects.toMatchObject({
        code: 'check-failed',
        message: expect.stringContaining(name),
      });
      expect(plan.result()).toEqual({ copies: [] });
      expect(existsSync(record)).toBe(false);
      expect(readdirSync(elsewhere)).toEqual([`.${id}.partial`]);
    },
  );
});

describe('what the timetable copies', () => {
  it('is every set that a place lacks, the newest first, and nothing twice', async () => {
    using folder = temporaryFolder();
    const { sets, place, elsewhere } = shelfIn(folder.path, systemArchive);
    const ids = sets.map(({ id }) => id);
    const plan = await planMissingCopies(place, sets);
    for (const step of plan.steps) await step.run(place.world);
    expect(plan.result().copies.map(({ id, to }) => [id, to])).toEqual(ids.map((id) => [id, elsewhere]));
    expect(readdirSync(elsewhere).toSorted()).toEqual(ids.toSorted());
    expect((await planMissingCopies(place, sets)).steps).toEqual([]);
  });

  it('stays missing where the place cannot be written, and the operator hears which variable leads there', async () => {
    using folder = temporaryFolder();
    const { sets, place, elsewhere } = shelfIn(folder.path, systemArchive);
    writeFileSync(elsewhere, 'a file');
    const [first] = (await planMissingCopies(place, sets)).steps;
    await expect(first?.run(place.world)).rejects.toMatchObject({
      code: 'unreachable',
      field: 'BACKUP_COPY_DIR',
    });
    expect((await planMissingCopies(place, sets)).steps).toHaveLength(2);
  });
});
