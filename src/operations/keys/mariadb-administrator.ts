import type { MariadbSession } from '../../adapters/mariadb.ts';
import type { Runtime } from '../../runtime.ts';
import { valueNow } from './env-values.ts';

/** Speaks to Postal's MariaDB as the user that makes and drops logins. */
export async function asAdministrator<T>(
  world: Runtime,
  work: (session: MariadbSession) => Promise<T>,
): Promise<T> {
  const config = await world.config('operator');
  const container = await world.addresses.containerOf('mariadb');
  const host = container ?? config.POSTAL_DB_HOST ?? config.MARIADB_POSTAL_HOST;
  const address = {
    host,
    port: config.POSTAL_DB_PORT,
    user: config.MARIADB_ADMIN_USER,
    password: config.MARIADB_ROOT_PASSWORD,
    timeoutMs: config.POSTAL_DB_TIMEOUT,
    login: { host: 'POSTAL_DB_HOST', password: 'MARIADB_ROOT_PASSWORD' },
  };
  return (await world.mariadbAt())(address).session(work);
}

/** True where there is such a user: in a stack, and where `.env` names one. */
export async function hasAdministrator(world: Runtime): Promise<boolean> {
  return (await world.addresses.onHost()) || (await valueNow(world, 'MARIADB_ADMIN_USER')) !== undefined;
}
