import type { Database } from '../../adapters/postgres.ts';
import { OperatorError } from '../../domain/failure.ts';
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

/** Plans the migrations that the database lacks. Throws `refused` for a database that a newer mailctl made. */
export async function planMigration(
  db: Database,
  waitMs: number,
): Promise<Plan<{ applied_migrations: readonly number[] }>> {
  const known = await migrations();
  const { missing, newerThanUs } = await migrationStatus(db, known);
  if (newerThanUs.length > 0) throw newer(newerThanUs);
  let applied: readonly Migration[] = [];
  const step = applyAll(missing, async (world) => {
    applied = await migrate(await world.postgres(), known, waitMs);
  });
  return {
    title: missing.length === 0 ? 'The database is up to date' : 'Migrate the database',
    steps: missing.length === 0 ? [] : [step],
    result: () => ({ applied_migrations: applied.map(({ version }) => version) }),
  };
}

/** One step, as another process may apply some of them at the same time. */
function applyAll(missing: readonly Migration[], run: Step['run']): Step {
  const names = missing.map(({ version, name }) => `${version} ${name}`);
  return { do: 'migrate', what: `apply the migrations ${names.join(', ')}`, run };
}

function newer(versions: readonly number[]): OperatorError {
  return new OperatorError(
    'refused',
    `the database has migrations that this mailctl does not know: ${versions.join(', ')}; nothing was changed`,
    { hint: 'Install the mailctl that made them, or a newer one' },
  );
}
