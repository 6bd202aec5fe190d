import { dirname, join, relative, resolve } from 'node:path';

import type { Runtime } from '../../runtime.ts';
import { type HandedOn, handedOnFolder, handedOnList } from '../backup/handed-on-list.ts';
import { cannotBeMadeAnew, namedFiles } from '../backup/named-files.ts';
import { escrowPublicPath } from '../backup/recipients.ts';
import type { RenderedFile } from '../tls/nginx.ts';
import { ownId } from './services.ts';
import type { TarEntry } from './tar.ts';

/** Where the key that proves sets is in our containers, wherever the operator keeps it. */
export const verifyKeyInside = 'secrets/backup-verify.key';

/** What a set of the scheduler takes as it is on the host; a larger file is named as lacking in it. */
const mostOctets = 16 * 1024 * 1024;

interface Found {
  readonly part: 'config' | 'secrets';
  /** Where it goes below the folder that is handed on, as a set of the host would have it. */
  readonly as: string;
  /** What it is called where it is lacking; undefined for what may be absent. */
  readonly called: string | undefined;
  readonly path: string;
  readonly content: string | Uint8Array | undefined;
}

/** What the scheduler needs of the operator's folder to take, prove and prune sets there; it is read by our user alone. */
export async function handedOn(
  world: Runtime,
  rendered: readonly RenderedFile[],
): Promise<readonly TarEntry[]> {
  const { BACKUP_VERIFY_KEY: key } = await world.config('operator');
  const found = [...(await ownFiles(world)), ...(await secretsFolder(world)), ...(await filesNamed(world))];
  const there = [...rendered.map(asFound), ...found.filter(({ content }) => content !== undefined)];
  const files = there.map(({ as, content = '' }) => ({ path: join(handedOnFolder, as), content }));
  const list = { path: handedOnList, content: `${JSON.stringify(listOf(there, found))}\n` };
  const keys = [
    {
      path: verifyKeyInside,
      content: key === 'none' ? undefined : await octets(world, resolve(world.dir, key)),
    },
    { path: escrowPublicPath, content: await octets(world, join(world.dir, escrowPublicPath)) },
  ].flatMap(({ path, content }) => (content === undefined ? [] : [{ path, content }]));
  return [
    ...foldersOf(files.map(({ path }) => path)).map((path) => ({ ...ours(`${path}/`), mode: 0o500 })),
    ...[...keys, list, ...files].map(({ path, content }) => ({ ...ours(path), content, mode: 0o400 })),
  ];
}

function listOf(there: readonly Found[], all: readonly Found[]): HandedOn {
  const pathsOf = (part: Found['part']) => [
    ...new Set(there.filter((one) => one.part === part).map(({ as }) => as)),
  ];
  return {
    config: pathsOf('config'),
    secrets: pathsOf('secrets'),
    missing: all.flatMap(({ called, content, path }) =>
      called === undefined || content !== undefined ? [] : [{ variable: called, path }],
    ),
  };
}

/** As it is going to be written: the file itself may be older. */
function asFound({ path, content }: RenderedFile): Found {
  return { part: 'config', as: path, called: undefined, path, content };
}

async function ownFiles(world: Runtime): Promise<readonly Found[]> {
  const { POSTAL_PROVISION_FILE } = await world.config('operator');
  const declared = relative(world.dir, resolve(world.dir, POSTAL_PROVISION_FILE));
  const own = [
    'compose.override.yaml',
    'mailctl.lock.json',
    ...(declared.startsWith('..') ? [] : [declared]),
  ];
  const parts = [
    { part: 'secrets' as const, as: '.env' },
    ...own.map((as) => ({ part: 'config' as const, as })),
  ];
  return Promise.all(
    parts.map(async ({ part, as }) => {
      const path = join(world.dir, as);
      return { part, as, called: undefined, path, content: await octets(world, path) };
    }),
  );
}

/** All of `secrets/`, with the folders in it. */
async function secretsFolder(world: Runtime, folder = 'secrets'): Promise<readonly Found[]> {
  const names = (await world.files.list(join(world.dir, folder))).toSorted();
  const found = await Promise.all(
    names.map(async (name): Promise<readonly Found[]> => {
      const as = join(folder, name);
      const path = join(world.dir, as);
      if (await world.files.isFolder(path)) return secretsFolder(world, as);
      return [{ part: 'secrets', as, called: as, path, content: await octets(world, path) }];
    }),
  );
  return found.flat();
}

/** Files that `.env` names in place of a value, wherever they are. */
async function filesNamed(world: Runtime): Promise<readonly Found[]> {
  const named = await namedFiles({ world });
  return Promise.all(
    named.map(async (one): Promise<Found> => {
      const { variable, path, inside } = one;
      const as = inside ?? join('outside', path);
      const called = cannotBeMadeAnew(one) ? variable : undefined;
      return { part: 'secrets', as, called, path, content: await octets(world, path) };
    }),
  );
}

function octets({ files }: Runtime, path: string): Promise<Uint8Array | undefined> {
  return files.octetsOf(path, mostOctets);
}

/** The folders that hold these files, each before what is in it. */
function foldersOf(paths: readonly string[]): readonly string[] {
  const all = paths.flatMap((path) => {
    const above: string[] = [];
    for (let folder = dirname(path); folder !== dirname(handedOnFolder); folder = dirname(folder))
      above.push(folder);
    return above;
  });
  return [...new Set(all)].toSorted();
}

/** A path below the folder of our containers, in the volume that holds its secrets. */
function ours(path: string) {
  return { path: path.replace(/^secrets/, 'secrets-operator'), uid: ownId, gid: ownId };
}
