import type { Part, Store, TableRows } from '../../domain/backup-set.ts';
import { countRows } from '../../store/backup.ts';
import { countPostalRows, postalDatabaseNames } from '../../store/postal/backup.ts';
import { hasDatabase } from '../../store/restore.ts';
import { mariadbAccess } from './mariadb-access.ts';
import type { Workplace } from './workplace.ts';

/** A table that has other rows than the set. */
export interface Difference {
  readonly table: string;
  readonly now: number;
  readonly in_set: number;
}

/** Rows of what runs now; none where there is no database yet, as on a new host. */
export async function liveRows(place: Workplace, stores: readonly Store[]): Promise<readonly TableRows[]> {
  const rows: TableRows[] = [];
  if (stores.includes('postgres')) rows.push(...(await postgresRows(place)));
  if (stores.includes('mariadb')) {
    const { server, names } = await mariadbAccess(place);
    const counted = await server.session(async (session) =>
      countPostalRows(session, await postalDatabaseNames(session, names)),
    );
    rows.push(...counted);
  }
  return rows;
}

async function postgresRows({ world, config }: Workplace): Promise<readonly TableRows[]> {
  await using main = await world.postgresNamed('postgres');
  if (!(await hasDatabase(main, config.POSTGRES_DATABASE))) return [];
  await using db = await world.postgresNamed(config.POSTGRES_DATABASE);
  return await countRows(db, config.POSTGRES_DATABASE);
}

/** Tables whose rows are others in the set than now, the largest difference first. */
export function differencesOf(now: readonly TableRows[], parts: readonly Part[]): readonly Difference[] {
  const inSet = keyed(parts.flatMap(({ tables }) => tables));
  const running = keyed(now);
  return [...new Set([...inSet.keys(), ...running.keys()])]
    .map((table) => ({ table, now: running.get(table) ?? 0, in_set: inSet.get(table) ?? 0 }))
    .filter((row) => row.now !== row.in_set)
    .toSorted((a, b) => Math.abs(b.now - b.in_set) - Math.abs(a.now - a.in_set));
}

function keyed(rows: readonly TableRows[]): ReadonlyMap<string, number> {
  return new Map(rows.map((row) => [`${row.database}.${row.table}`, row.rows]));
}
