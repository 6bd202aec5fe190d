import { basename, join } from 'node:path';

import type { Argv } from '../../adapters/exec.ts';
import type { Store } from '../../domain/backup-set.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import { outputOf } from './program-output.ts';
import { withSecretOnStdin } from './secret-script.ts';

export type Client = 'pg_dump' | 'pg_restore' | 'mariadb-dump' | 'mariadb';

/** Client programs of the version that a server has. */
export interface Tools {
  /** Where they run, in words. */
  readonly where: string;
  /** True inside the database's container, where the server is reached by its socket. */
  readonly besideServer: boolean;
  argv(client: Client, ...rest: readonly string[]): Argv;
}

interface Need {
  readonly store: Store;
  /** The server's version, or that of the server whose dump is read. */
  readonly version: string;
  /** True where programs of a newer version do as well, as for reading a dump. */
  readonly orNewer?: boolean;
}

const clients: Readonly<Record<Store, Client>> = { postgres: 'pg_dump', mariadb: 'mariadb-dump' };

/**
 * Decides where a store's client programs run: in the database's own container where this host runs it, else here, in our image or on a
 * machine with local databases. Throws `unreachable` where none has the server's version.
 */
export async function toolsFor(world: Runtime, need: Need): Promise<Tools> {
  const { store } = need;
  const container = await containerOf(world, store);
  if (container !== undefined) {
    return {
      where: `container ${store}`,
      besideServer: true,
      argv: (client, ...rest) => [
        'docker',
        'exec',
        '-i',
        container,
        ...withSecretOnStdin(store, [client, ...rest]),
      ],
    };
  }
  const folder = await folderOf(world, need);
  return {
    where: folder,
    besideServer: false,
    argv: (client, ...rest) => withSecretOnStdin(store, [join(folder, client), ...rest]),
  };
}

/** The container of a store, where this is the host that runs it. */
async function containerOf({ addresses, docker }: Runtime, store: Store): Promise<string | undefined> {
  if ((await addresses.containerOf(store)) === undefined) return undefined;
  const containers = await (await docker()).containers();
  return containers.find(({ service, state }) => service === store && state === 'running')?.id;
}

async function folderOf(world: Runtime, need: Need): Promise<string> {
  const seen: string[] = [];
  for (const folder of await folders(world, need)) {
    const program = join(folder, clients[need.store]);
    const version = versionIn(await outputOf(world, [program, '--version']));
    if (version === undefined) continue;
    if (fits(need, version)) return folder;
    seen.push(`${program} is ${version}`);
  }
  throw noTools(need, seen);
}

async function folders({ config, sources }: Runtime, { store, version }: Need): Promise<readonly string[]> {
  const named = (await config('operator')).BACKUP_TOOLS_PATH ?? [];
  const path = ((await sources()).environment['PATH'] ?? '').split(':').filter(Boolean);
  const debian = store === 'postgres' ? [`/usr/lib/postgresql/${majorOf(version)}/bin`] : [];
  return [...named, ...debian, ...path, '/usr/bin'];
}

/** `pg_dump (PostgreSQL) 17.2`, `mariadb-dump from 11.8.3-MariaDB, …`, `… Ver 10.19 Distrib 10.11.14-MariaDB, …`. */
function versionIn(said: string | undefined): string | undefined {
  return /\(PostgreSQL\) (\d+(?:\.\d+)*)|(\d+\.\d+\.\d+)-MariaDB/
    .exec(said ?? '')
    ?.slice(1)
    .find(Boolean);
}

function fits({ store, version: wanted, orNewer = false }: Need, version: string): boolean {
  const order = compareReleases(store, version, wanted);
  return order === 0 || (orNewer && order > 0);
}

/** Below zero where the first is the older release. PostgreSQL's releases have one number, MariaDB's two. */
export function compareReleases(store: Store, one: string, other: string): number {
  const numbers = store === 'postgres' ? 1 : 2;
  const release = (version: string) =>
    version
      .split('.')
      .slice(0, numbers)
      .reduce((sum, number) => sum * 1000 + Number(number), 0);
  return release(one) - release(other);
}

function majorOf(version: string): string {
  return version.split('.')[0] ?? '';
}

function noTools({ store, version }: Need, seen: readonly string[]): OperatorError {
  const client = clients[store];
  const found = seen.length > 0 ? ` (${seen.join(', ')})` : '';
  return new OperatorError(
    'unreachable',
    `there is no ${basename(client)} of the server's version ${version} here${found}`,
    {
      hint: `Install the client programs of that version, or name their folder in BACKUP_TOOLS_PATH`,
      field: 'BACKUP_TOOLS_PATH',
    },
  );
}
