import type { Mariadb, MariadbAddress } from '../../adapters/mariadb.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Workplace } from './workplace.ts';

/** Postal's MariaDB as the user that may dump and restore it. */
export interface MariadbAccess extends MariadbAddress {
  readonly server: Mariadb;
  readonly names: { readonly main: string; readonly messagePrefix: string };
}

/** Reaches it. Throws `config-invalid` where no such user is configured. */
export async function mariadbAccess({
  world,
  config,
}: Pick<Workplace, 'world' | 'config'>): Promise<MariadbAccess> {
  const { POSTAL_DB_HOST: host, BACKUP_MARIADB_USER: user, BACKUP_MARIADB_PASSWORD: password } = config;
  if (host === undefined || user === undefined || password === undefined) throw notConfigured();
  const address = {
    host: (await world.addresses.containerOf('mariadb')) ?? host,
    port: config.POSTAL_DB_PORT,
    user,
    password,
    timeoutMs: config.POSTAL_DB_TIMEOUT,
    workMs: config.BACKUP_TIMEOUT,
  };
  return {
    ...address,
    server: (await world.mariadbAt())(address),
    names: { main: config.POSTAL_DB_NAME, messagePrefix: config.POSTAL_DB_MESSAGE_PREFIX },
  };
}

/** True where Postal's MariaDB can be reached with the rights that a backup needs. */
export function hasMariadb({ config }: Pick<Workplace, 'config'>): boolean {
  return (
    config.POSTAL_DB_HOST !== undefined &&
    config.BACKUP_MARIADB_USER !== undefined &&
    config.BACKUP_MARIADB_PASSWORD !== undefined
  );
}

function notConfigured(): OperatorError {
  return new OperatorError('config-invalid', "there is no user that may dump Postal's MariaDB", {
    hint: 'Set POSTAL_DB_HOST, BACKUP_MARIADB_USER and BACKUP_MARIADB_PASSWORD, or leave it out knowingly: --only postgres',
    field: 'BACKUP_MARIADB_USER',
  });
}
