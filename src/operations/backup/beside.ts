import type { Part } from '../../domain/backup-set.ts';
import type { Secret } from '../../domain/secret.ts';
import { createDatabase, dropDatabase } from '../../store/restore.ts';
import { createPostalDatabase, dropPostalDatabase } from '../../store/postal/restore.ts';
import { mariadbLogin } from './dump-mariadb.ts';
import { postgresLogin } from './dump-postgres.ts';
import { replacingLines } from './lines.ts';
import { mariadbAccess } from './mariadb-access.ts';
import { ignoreOutput, readPart, sealOf } from './read-part.ts';
import { toolsForRunning } from './running-server.ts';
import { secretLine } from './secret-script.ts';
import type { BackupSet } from './sets.ts';
import { setPath, type Workplace } from './workplace.ts';

interface Beside {
  readonly set: BackupSet;
  readonly part: Part;
  readonly identity: Secret;
}

/** Restores a dump of PostgreSQL into a new database of that name on the running server; on failure the database is dropped again. */
export async function restorePostgresBeside(
  place: Workplace,
  { set, part, identity }: Beside,
  name: string,
): Promise<void> {
  const { world, config } = place;
  await using main = await world.postgresNamed('postgres');
  await createDatabase(main, name);
  try {
    const tools = await toolsForRunning(place, 'postgres', part);
    const flags = ['--exit-on-error', '--no-owner', '--no-password', ...postgresLogin(place, tools, name)];
    const into = ignoreOutput((await world.programs()).start(tools.argv('pg_restore', ...flags)));
    into.input.write(secretLine('postgres', config.POSTGRES_PASSWORD));
    const path = setPath(place, set.id, part.file);
    await readPart(place, { path, seal: await sealOf(place, path, identity), into });
  } catch (error) {
    await dropDatabase(main, name);
    throw error;
  }
}

/** The databases that a part of MariaDB holds. */
export function databasesOf({ tables }: Pick<Part, 'tables'>): readonly string[] {
  return [...new Set(tables.map(({ database }) => database))];
}

/** Restores a dump of MariaDB into databases whose names `nameOf` gives; on failure they are dropped again. */
export async function restoreMariadbBeside(
  place: Workplace,
  { set, part, identity }: Beside,
  nameOf: (database: string) => string,
): Promise<void> {
  const { world, config } = place;
  const access = await mariadbAccess(place);
  const names = databasesOf(part).map(nameOf);
  await access.server.session(async (session) => {
    for (const name of names) await createPostalDatabase(session, name);
  });
  try {
    const tools = await toolsForRunning(place, 'mariadb', part);
    const flags = [`--max-allowed-packet=${config.BACKUP_MARIADB_PACKET}`, '--default-character-set=utf8mb4'];
    const argv = tools.argv('mariadb', ...flags, ...mariadbLogin(access, tools));
    const into = ignoreOutput((await world.programs()).start(argv));
    into.input.write(secretLine('mariadb', access.password));
    const path = setPath(place, set.id, part.file);
    const through = replacingLines((line) => renamed(line, nameOf));
    await readPart(place, { path, seal: await sealOf(place, path, identity), through, into });
  } catch (error) {
    await access.server.session(async (session) => {
      for (const name of names) await dropPostalDatabase(session, name);
    });
    throw error;
  }
}

/** A line of a dump that names a database, with its other name; rows never begin so, as line ends in them are escaped. */
function renamed(line: string, nameOf: (database: string) => string): string | undefined {
  const use = /^USE `(.+)`;\s*$/.exec(line)?.[1];
  if (use !== undefined) return `USE \`${nameOf(use)}\`;\n`;
  const create = /^(CREATE DATABASE .*?)`([^`]+)`(.*)$/s.exec(line);
  return create ? `${create[1]}\`${nameOf(create[2] ?? '')}\`${create[3]}` : undefined;
}
