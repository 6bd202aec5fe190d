import type { MariadbSession } from '../../adapters/mariadb.ts';
import { postalDatabaseNames } from '../../store/postal/backup.ts';
import { ensurePostalDatabase, type Move, moveTables, postalTables } from '../../store/postal/restore.ts';
import { endOwnSessions, hasDatabase, renameDatabase } from '../../store/restore.ts';
import { databasesOf } from './beside.ts';
import { mariadbAccess } from './mariadb-access.ts';
import type { RestoreNames } from './restore-names.ts';
import type { BackupSet } from './sets.ts';
import type { Workplace } from './workplace.ts';

/** Renames both databases. Each step sees what an earlier run has done, so it can be cut off and run again. */
export async function swapPostgres(
  { world, config }: Workplace,
  { beside, before }: RestoreNames,
): Promise<void> {
  const live = config.POSTGRES_DATABASE;
  await using main = await world.postgresNamed('postgres');
  await endOwnSessions(main, live);
  if ((await hasDatabase(main, live)) && !(await hasDatabase(main, before)))
    await renameDatabase(main, live, before);
  if ((await hasDatabase(main, beside)) && !(await hasDatabase(main, live)))
    await renameDatabase(main, beside, live);
}

/** Moves all tables at one moment: those of what runs away, and the restored ones to their place. */
export async function swapMariadb(
  place: Workplace,
  set: BackupSet,
  { beside, before }: RestoreNames,
): Promise<void> {
  const { server, names } = await mariadbAccess(place);
  const part = set.manifest.parts.find(({ kind }) => kind === 'mariadb');
  const restored = part ? databasesOf(part) : [];
  await server.session(async (session) => {
    const running = await postalDatabaseNames(session, names);
    const back = await movesOf(session, restored, (database) => [`${beside}_${database}`, database]);
    if (back.length === 0) return;
    for (const database of running) await ensurePostalDatabase(session, `${before}_${database}`);
    for (const database of restored) await ensurePostalDatabase(session, database);
    const away = await movesOf(session, running, (database) => [database, `${before}_${database}`]);
    await moveTables(session, [...away, ...back]);
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
