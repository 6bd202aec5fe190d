import type { Mariadb } from '../../adapters/mariadb.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';

/** Postal's MariaDB as Postal's own user, which may write. */
export interface PostalWriter {
  readonly server: Mariadb;
  readonly names: { readonly main: string; readonly messagePrefix: string };
}

/** Reaches it, from the host of a stack, from inside one, and where it runs without containers. Throws `config-invalid` where there is none. */
export async function openPostalWriter(world: Runtime): Promise<PostalWriter> {
  const config = await world.config('operator');
  const { MARIADB_POSTAL_PASSWORD: password } = config;
  if (password === undefined) throw notThere();
  const address = {
    host: (await world.addresses.containerOf('mariadb')) ?? config.MARIADB_POSTAL_HOST,
    port: config.MARIADB_POSTAL_PORT,
    user: config.MARIADB_POSTAL_USER,
    password,
    timeoutMs: config.POSTAL_DB_TIMEOUT,
    work: { ms: config.POSTAL_RESCUE_TIMEOUT, variable: 'POSTAL_RESCUE_TIMEOUT' },
    login: { host: 'MARIADB_POSTAL_HOST', password: 'MARIADB_POSTAL_PASSWORD' },
  };
  return {
    server: (await world.mariadbAt())(address),
    names: { main: config.POSTAL_DB_NAME, messagePrefix: config.POSTAL_DB_MESSAGE_PREFIX },
  };
}

function notThere(): OperatorError {
  return new OperatorError('config-invalid', "there is no way into Postal's MariaDB as its own user", {
    hint: 'Set MARIADB_POSTAL_PASSWORD (a sandbox has none): mailctl config explain MARIADB_POSTAL_USER',
    field: 'MARIADB_POSTAL_PASSWORD',
  });
}
