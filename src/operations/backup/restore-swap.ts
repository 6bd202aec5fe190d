import type { MariadbSession } from '../../adapters/mariadb.ts';
import type { Store } from '../../domain/backup-set.ts';
import { OperatorError } from '../../domain/failure.ts';
import { postalDatabaseNames } from '../../store/postal/backup.ts';
import {
  ensurePostalDatabase,
  isMarkedPostal,
  type Move,
  moveTables,
  postalTables,
} from '../../store/postal/restore.ts';
import { endOwnSessions, hasDatabase, isMarked, renameDatabase } from '../../store/restore.ts';
import { databasesOf } from './beside.ts';
import { mariadbAccess } from './mariadb-access.ts';
import { restoreNames } from './restore-names.ts';
import type { BackupSet } from './sets.ts';
import type { Workplace } from './workplace.ts';

/** True where what runs is what was restored from this set, and not agreed to yet. */
export async function isInPlace(place: Workplace, id: string, store: Store): Promise<boolean> {
  if (store === 'postgres') {
    await using main = await place.world.postgresNamed('postgres');
    return await isMarked(main, place.config.POSTGRES_DATABASE, id);
  }
  const { server, names } = await mariadbAccess(place);
  return server.session((session) => isMarkedPostal(session, names.main, id));
}

/** Renames both databases. Each step sees what an earlier run has done, so it can be cut off and run again. */
export async function swapPostgres({ world, config }: Workplace, { id }: BackupSet): Promise<void> {
  const { beside, before } = restoreNames(id);
  const live = config.POSTGRES_DATABASE;
  await using main = await world.postgresNamed('postgres');
  if (await isMarked(main, live, id)) return;
  await endOwnSessions(main, live);
  if (await hasDatabase(main, live)) {
    if (await hasDatabase(main, before)) throw inTheWay(`the database ${before} of PostgreSQL`);
    await renameDatabase(main, live, before);
  }
  await renameDatabase(main, beside, live);
}

/** Moves all tables at one moment: those of what runs away, and the restored ones to their place. */
export async function swapMariadb(place: Workplace, set: BackupSet): Promise<void> {
  const { beside, before } = restoreNames(set.id);
  const { server, names } = await mariadbAccess(place);
  const part = set.manifest.parts.find(({ kind }) => kind === 'mariadb');
  const restored = part ? databasesOf(part) : [];
  await server.session(async (session) => {
    if (await isMarkedPostal(session, names.main, set.id)) return;
    const running = await postalDatabaseNames(session, names);
    for (const database of running) {
      const away = `${before}_${database}`;
      await ensurePostalDatabase(session, away);
      if ((await postalTables(session, away)).length > 0) throw inTheWay(`the database ${away} of MariaDB`);
    }
    for (const database of restored) await ensurePostalDatabase(session, database);
    const away = await movesOf(session, running, (database) => [database, `${before}_${database}`]);
    const back = await movesOf(session, restored, (database) => [`${beside}_${database}`, database]);
    await moveTables(session, [...away, ...back]);
  });
}

function inTheWay(what: string): OperatorError {
  return new OperatorError('refused', `${what} is there already, from an earlier restore of this set`, {
    hint: 'Look at it, and drop it if nobody needs it; then run it again, or abort it',
  });
}

/** The moves of every table of these databases; `wayOf` says from where to where. */
export async function movesOf(
  session: MariadbSession,
  databases: readonly string[],
  wayOf: (database: string) => readonly [from: string, to: string],
): Promise<readonly Move[]> {
  const moves: Move[] = [];
  for (const database of databases) {
    const [from, to] = wayOf(database);
    for (const table of await postalTables(session, from)) moves.push({ table, from, to });
  }
  return moves;
}
