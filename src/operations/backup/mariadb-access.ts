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
  const container = await world.addresses.containerOf('mariadb');
  const host = container ?? config.POSTAL_DB_HOST;
  const inStack = container !== undefined || config.POSTAL_RUN_DIR !== undefined;
  const login = loginOf(config, inStack);
  if (host === undefined || login === undefined) throw notConfigured();
  const address = {
    host,
    port: config.POSTAL_DB_PORT,
    user: login.user,
    password: login.password,
    login: { host: 'POSTAL_DB_HOST', password: login.variable },
    timeoutMs: config.POSTAL_DB_TIMEOUT,
    work: { ms: config.BACKUP_TIMEOUT, variable: 'BACKUP_TIMEOUT' },
  };
  return {
    ...address,
    server: (await world.mariadbAt())(address),
    names: { main: config.POSTAL_DB_NAME, messagePrefix: config.POSTAL_DB_MESSAGE_PREFIX },
  };
}

/** The user that is named for it, else root of the stack's own MariaDB. */
function loginOf(config: Workplace['config'], inStack: boolean) {
  const {
    BACKUP_MARIADB_USER: user,
    BACKUP_MARIADB_PASSWORD: password,
    MARIADB_ROOT_PASSWORD: root,
  } = config;
  if (user !== undefined && password !== undefined)
    return { user, password, variable: 'BACKUP_MARIADB_PASSWORD' };
  return inStack && user === undefined
    ? { user: 'root', password: root, variable: 'MARIADB_ROOT_PASSWORD' }
    : undefined;
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
