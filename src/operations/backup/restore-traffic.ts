import type { Store } from '../../domain/backup-set.ts';
import { OperatorError } from '../../domain/failure.ts';
import { postalDatabaseNames } from '../../store/postal/backup.ts';
import { connectedToPostal } from '../../store/postal/restore.ts';
import { connectedTo } from '../../store/restore.ts';
import { mariadbAccess } from './mariadb-access.ts';
import type { Workplace } from './workplace.ts';

/** The name that an operator's commands give themselves; services have names of their own. */
const ours = 'mailctl';

const users: Readonly<Record<Store, readonly string[]>> = {
  postgres: ['api', 'worker'],
  mariadb: ['postal-web', 'postal-smtp', 'postal-worker'],
};

/** Throws `refused` while a service uses what is about to be replaced, and says what to stop. */
export async function refuseTraffic(place: Workplace, stores: readonly Store[]): Promise<void> {
  const who: string[] = [];
  if (stores.includes('postgres')) {
    await using main = await place.world.postgresNamed('postgres');
    const connected = await connectedTo(main, place.config.POSTGRES_DATABASE);
    who.push(...connected.filter((name) => name !== ours));
  }
  if (stores.includes('mariadb')) {
    const { server, names } = await mariadbAccess(place);
    const connected = await server.session(async (session) =>
      connectedToPostal(session, await postalDatabaseNames(session, names)),
    );
    who.push(...connected);
  }
  if (who.length > 0) throw busy(who, stores);
}

function busy(who: readonly string[], stores: readonly Store[]): OperatorError {
  const services = stores.flatMap((store) => users[store]).join(' ');
  return new OperatorError('refused', `the databases are in use by ${who.join(', ')}; nothing was changed`, {
    hint: `Stop what uses them: docker compose stop ${services}; relays may go on accepting`,
    data: { in_use_by: who },
  });
}
