import type { Part } from '../../domain/backup-set.ts';
import type { Secret } from '../../domain/secret.ts';
import { beginEpoch } from '../../store/epoch.ts';
import { migrate, migrations } from '../../store/migrate.ts';
import {
  continueIdsAt,
  dropPostalDatabase,
  highestMessageId,
  lockQueue,
  markPostal,
} from '../../store/postal/restore.ts';
import { dropDatabase, hasDatabase, highestPostalId, markDatabase } from '../../store/restore.ts';
import { pauseSending } from '../../store/sending.ts';
import { databasesOf, restoreMariadbBeside, restorePostgresBeside } from './beside.ts';
import { mariadbAccess } from './mariadb-access.ts';
import { restoreNames } from './restore-names.ts';
import type { BackupSet } from './sets.ts';
import type { Workplace } from './workplace.ts';

interface Beside {
  readonly set: BackupSet;
  readonly part: Part;
  readonly identity: Secret;
}

/** Restores PostgreSQL beside, brings it to this version, and pauses sending in it before anybody can use it. */
export async function preparePostgres(
  place: Workplace,
  beside: Beside,
  { postalRestored }: { readonly postalRestored: boolean },
): Promise<void> {
  const names = restoreNames(beside.set.id);
  await using main = await place.world.postgresNamed('postgres');
  await dropDatabase(main, names.beside);
  await restorePostgresBeside(place, beside, names.beside);
  await using db = await place.world.postgresNamed(names.beside);
  await migrate(db, await migrations(), place.config.POSTGRES_MIGRATE_TIMEOUT);
  const { id } = beside.set;
  await pauseSending(db, {
    reason: `restored from ${id}: mailctl backup commit ${id}, or mailctl backup abort ${id}`,
  });
  await beginEpoch(db, { postalRestored });
  await markDatabase(main, names.beside, id);
}

/** Restores Postal's databases beside; before anybody can use them their queue is locked and their ids go on behind all known ones. */
export async function prepareMariadb(place: Workplace, beside: Beside): Promise<void> {
  const { beside: prefix } = restoreNames(beside.set.id);
  const { server, names } = await mariadbAccess(place);
  const databases = databasesOf(beside.part);
  const nameOf = (database: string) => `${prefix}_${database}`;
  await server.session(async (session) => {
    for (const database of databases) await dropPostalDatabase(session, nameOf(database));
  });
  await restoreMariadbBeside(place, beside, nameOf);
  const ours = await highestKnownToUs(place);
  await server.session(async (session) => {
    await lockQueue(session, nameOf(names.main), `mailctl restore ${beside.set.id}`);
    for (const database of databases.filter((name) => name !== names.main)) {
      const restored = await highestMessageId(session, nameOf(database));
      const running = await highestMessageId(session, database);
      const next = Math.max(restored, running, ours) + place.config.BACKUP_MESSAGE_ID_GAP;
      await continueIdsAt(session, nameOf(database), next);
    }
    await markPostal(session, nameOf(names.main), beside.set.id);
  });
}

/** An empty database of a new host knows none. */
async function highestKnownToUs({ world, config }: Workplace): Promise<number> {
  await using main = await world.postgresNamed('postgres');
  if (!(await hasDatabase(main, config.POSTGRES_DATABASE))) return 0;
  await using db = await world.postgresNamed(config.POSTGRES_DATABASE);
  return await highestPostalId(db).catch(() => 0);
}
