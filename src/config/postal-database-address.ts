import type { ConfigOf } from './environment.ts';

type Access = Pick<
  ConfigOf<'worker'>,
  'POSTAL_DB_HOST' | 'POSTAL_DB_PORT' | 'POSTAL_DB_USER' | 'POSTAL_DB_PASSWORD' | 'POSTAL_DB_TIMEOUT'
>;

/** Where Postal's databases are asked, as the adapter takes it; undefined where there is no access to them. */
export function postalDatabaseAddress(config: Access) {
  const { POSTAL_DB_HOST: host, POSTAL_DB_USER: user, POSTAL_DB_PASSWORD: password } = config;
  if (host === undefined || user === undefined || password === undefined) return undefined;
  return { host, port: config.POSTAL_DB_PORT, user, password, timeoutMs: config.POSTAL_DB_TIMEOUT };
}
