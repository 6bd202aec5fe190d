import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { systemArchive } from '../../../src/adapters/archive.ts';
import type { Manifest } from '../../../src/domain/backup-set.ts';
import { lastSetWith, listSets, manifestText } from '../../../src/operations/backup/sets.ts';
import { temporaryFolder } from '../../cli/folders.ts';

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder[Symbol.dispose]());

const shelf = () => ({ archive: systemArchive, shelf: folder.path });

/** A set with one empty file a store. */
function put(id: string, createdAt: string, kinds: readonly ('postgres' | 'mariadb')[]): void {
  mkdirSync(join(folder.path, id));
  const parts = kinds.map((kind) => ({
    kind,
    file: `${kind}.age`,
    bytes: 0,
    sha256: '',
    plain_bytes: 0,
    sealed_to: ['escrow' as const],
    tool: '',
    server: null,
    position: null,
    started_at: createdAt,
    seconds: 0,
    tables: [],
  }));
  const manifest: Manifest = {
    format: 1,
    id,
    created_at: createdAt,
    seconds: 0,
    host: 'h',
    encryption: { mode: 'strict', escrow: 'age1', verify: null },
    migration: null,
    images: {},
    parts,
  };
  for (const { file } of parts) writeFileSync(join(folder.path, id, file), '');
  writeFileSync(join(folder.path, id, 'manifest.json'), manifestText(manifest));
}

describe('the sets on the shelf', () => {
  it('come newest first, also when the letters of two of one second sort the other way', async () => {
    put('20261127T100000Z-zzzz', '2026-11-27T10:00:00.100Z', ['postgres']);
    put('20261127T100000Z-aaaa', '2026-11-27T10:00:00.900Z', ['postgres']);
    put('20261127T095959Z-mmmm', '2026-11-27T09:59:59.999Z', ['postgres']);
    const ids = (await listSets(shelf())).map(({ id }) => id.slice(-4));
    expect(ids).toEqual(['aaaa', 'zzzz', 'mmmm']);
  });

  it('are compared with the newest that holds the same stores', async () => {
    put('20261127T100000Z-both', '2026-11-27T10:00:00.000Z', ['postgres', 'mariadb']);
    put('20261127T110000Z-half', '2026-11-27T11:00:00.000Z', ['postgres']);
    expect((await lastSetWith(shelf(), ['postgres', 'mariadb']))?.id).toContain('both');
    expect((await lastSetWith(shelf(), ['postgres']))?.id).toContain('half');
  });
});
