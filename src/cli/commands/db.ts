import type { Command } from 'commander';

import { type DatabaseStatus, planMigration, showDatabase } from '../../operations/database/migrate.ts';
import { acts, looks, type Session } from '../command.ts';

/** `mailctl db status|migrate`. */
export function defineDb(command: Command, session: Session): void {
  command
    .command('status')
    .description('Show which migrations the database has and lacks.')
    .action(looks(session, async ({ runtime }) => showDatabase(await runtime.postgres()), statusAsText));
  command
    .command('migrate')
    .description('Bring the database to the version of this program.')
    .action(
      acts(
        session,
        async ({ runtime }) => {
          const { POSTGRES_MIGRATE_TIMEOUT } = await runtime.config('operator');
          return planMigration(await runtime.postgres(), POSTGRES_MIGRATE_TIMEOUT);
        },
        ({ applied_migrations }) =>
          applied_migrations.length === 0
            ? 'the database is up to date'
            : `applied the migrations ${applied_migrations.join(', ')}`,
      ),
    );
}

function statusAsText({ applied, missing, newer }: DatabaseStatus): string {
  const lacking = missing.map(({ version, name }) => `  lacks ${version} ${name}`);
  const unknown = newer.map((version) => `  has ${version}, which this mailctl does not know`);
  return [`${applied.length} migrations applied`, ...lacking, ...unknown].join('\n');
}
