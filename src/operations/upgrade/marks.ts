import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import { migrations, migrationStatus } from '../../store/migrate.ts';
import { mariadbVersion } from '../../store/postal/backup.ts';
import { postalSchema } from '../../store/postal/schema.ts';

/** How far the databases are migrated, by what migrates them. What could not be looked at is left out. */
export type Marks = Readonly<Record<string, string>>;

/** Looks at the marks of both databases, over connections of their own: their containers may have changed. */
export async function readMarks(world: Runtime): Promise<Marks> {
  const config = await world.config('operator');
  const found = await Promise.all([
    look(async () => {
      await using db = await world.postgresNamed(config.POSTGRES_DATABASE);
      const { applied } = await migrationStatus(db, await migrations());
      return { mailctl: String(applied.at(-1) ?? 'none') };
    }),
    look(async () => {
      const mariadb = await world.postalDatabase();
      if (!mariadb) return {};
      return mariadb.session(async (session) => ({
        postal: await postalSchema(session, config.POSTAL_DB_NAME),
        mariadb: release(await mariadbVersion(session)),
      }));
    }),
  ]);
  return Object.assign({}, ...found) as Marks;
}

/** Between patches of a release MariaDB goes both ways. */
function release(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}

async function look(work: () => Promise<Marks>): Promise<Marks> {
  return work().catch((cause: unknown) => {
    if (cause instanceof OperatorError) return {};
    throw cause;
  });
}

/** The steps that cannot be taken back, between two looks, in words. */
export function oneWay(before: Marks, after: Marks): readonly string[] {
  return Object.entries(after)
    .filter(([what, now]) => before[what] !== undefined && before[what] !== now)
    .map(([what, now]) => `${names[what] ?? what} went from ${before[what]} to ${now}`);
}

const names: Readonly<Record<string, string>> = {
  mailctl: "mailctl's database",
  postal: "Postal's database",
  mariadb: 'MariaDB',
};
