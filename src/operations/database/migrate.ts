import type { Database } from '../../adapters/postgres.ts';
import type { Runtime } from '../../runtime.ts';
import { migrate, type Migration, migrations, migrationStatus } from '../../store/migrate.ts';
import type { Plan, Step } from '../plan.ts';

/** What the database has and lacks. */
export interface DatabaseStatus {
  readonly applied: readonly number[];
  readonly missing: readonly { readonly version: number; readonly name: string }[];
  readonly newer: readonly number[];
}

/** Looks at the migrations of the database. */
export async function showDatabase(db: Database): Promise<DatabaseStatus> {
  const known = await migrations();
  const { applied, missing, newerThanUs } = await migrationStatus(db, known);
  return { applied, missing: missing.map(({ version, name }) => ({ version, name })), newer: newerThanUs };
}

/** Plans the migrations that the database lacks. */
export async function planMigration(
  db: Database,
  waitMs: number,
): Promise<Plan<{ applied_migrations: readonly number[] }>> {
  const known = await migrations();
  const { missing } = await migrationStatus(db, known);
  return {
    title: missing.length === 0 ? 'The database is up to date' : 'Migrate the database',
    steps: missing.map((migration) => applyUpTo(migration, known, waitMs)),
    result: () => ({ applied_migrations: missing.map(({ version }) => version) }),
  };
}

function applyUpTo({ version, name }: Migration, known: readonly Migration[], waitMs: number): Step {
  return {
    do: 'migrate',
    what: `apply migration ${version} ${name}`,
    run: async (world: Runtime) => {
      const db = await world.postgres();
      await migrate(
        db,
        known.filter((migration) => migration.version <= version),
        waitMs,
      );
    },
  };
}
