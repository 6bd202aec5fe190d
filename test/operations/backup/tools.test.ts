import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { openPrograms } from '../../../src/adapters/programs.ts';
import { compareReleases, toolsFor } from '../../../src/operations/backup/tools.ts';
import type { Runtime } from '../../../src/runtime.ts';
import { temporaryFolder } from '../../cli/folders.ts';

const systemPrograms = openPrograms(5_000);

/** A machine without containers, on which programs are looked for in one folder first. */
function machine(folder: string): Runtime {
  return {
    addresses: { containerOf: async () => undefined },
    config: async () => ({ BACKUP_TOOLS_PATH: [folder] }),
    sources: async () => ({ environment: { PATH: '' } }),
    programs: async () => systemPrograms,
  } as unknown as Runtime;
}

function put(folder: string, name: string, says: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\necho '${says}'\n`);
  chmodSync(join(folder, name), 0o755);
}

describe('the client programs', () => {
  it('are those of the version that the server has', async () => {
    using folder = temporaryFolder();
    put(folder.path, 'pg_dump', 'pg_dump (PostgreSQL) 99.3 (Debian 99.3-1)');
    put(folder.path, 'mariadb-dump', 'mariadb-dump from 99.8.3-MariaDB, client 10.19 for Linux');
    const world = machine(folder.path);
    for (const [store, version] of [
      ['postgres', '99.1'],
      ['mariadb', '99.8.9'],
    ] as const)
      expect(await toolsFor(world, { store, version })).toMatchObject({
        where: folder.path,
        besideServer: false,
      });
  });

  it.each([
    ['older', 'postgres', 'pg_dump', 'pg_dump (PostgreSQL) 98.4'],
    ['newer', 'postgres', 'pg_dump', 'pg_dump (PostgreSQL) 100.0'],
    ['of another line', 'mariadb', 'mariadb-dump', 'mariadb-dump from 99.4.3-MariaDB'],
  ] as const)('that are %s are not used, and are named', async (_, store, name, says) => {
    using folder = temporaryFolder();
    put(folder.path, name, says);
    const finding = toolsFor(machine(folder.path), { store, version: '99.1.3' });
    await expect(finding).rejects.toMatchObject({
      code: 'unreachable',
      field: 'BACKUP_TOOLS_PATH',
      message: expect.stringMatching(new RegExp(`99\\.1\\.3.*${folder.path}/${name} is \\d+`)),
    });
  });

  it('may be newer for reading a dump', async () => {
    using folder = temporaryFolder();
    put(folder.path, 'pg_dump', 'pg_dump (PostgreSQL) 100.0');
    const need = { store: 'postgres', version: '99.1', orNewer: true } as const;
    expect((await toolsFor(machine(folder.path), need)).where).toBe(folder.path);
  });
});

it('releases of PostgreSQL have one number, those of MariaDB two', () => {
  expect(compareReleases('postgres', '17.2', '17.9')).toBe(0);
  expect(compareReleases('postgres', '15.18', '17.0')).toBeLessThan(0);
  expect(compareReleases('mariadb', '11.8.3', '11.8.9')).toBe(0);
  expect(compareReleases('mariadb', '11.8.3', '11.4.9')).toBeGreaterThan(0);
});
