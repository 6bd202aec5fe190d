import type { Part, Store } from '../../domain/backup-set.ts';
import { OperatorError } from '../../domain/failure.ts';
import { postgresVersion } from '../../store/backup.ts';
import { mariadbVersion } from '../../store/postal/backup.ts';
import { mariadbAccess } from './mariadb-access.ts';
import { compareReleases, type Tools, toolsFor } from './tools.ts';
import type { Workplace } from './workplace.ts';

/** The client programs for the server that runs, which a dump is restored into. Throws `refused` where the dump is of a newer one. */
export async function toolsForRunning(
  place: Workplace,
  store: Store,
  { server }: Pick<Part, 'server'>,
): Promise<Tools> {
  const version = await runningVersion(place, store);
  if (server !== null && compareReleases(store, server, version) > 0) throw older(store, server, version);
  return toolsFor(place.world, { store, version });
}

async function runningVersion(place: Workplace, store: Store): Promise<string> {
  if (store === 'mariadb') return (await mariadbAccess(place)).server.session(mariadbVersion);
  await using main = await place.world.postgresNamed('postgres');
  return await postgresVersion(main);
}

function older(store: Store, dumped: string, version: string): OperatorError {
  const name = store === 'postgres' ? 'PostgreSQL' : 'MariaDB';
  return new OperatorError('refused', `the dump is of ${name} ${dumped}, and here runs ${version}`, {
    hint: `Run ${name} ${dumped} or newer; nothing was changed`,
  });
}
