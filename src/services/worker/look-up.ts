import type { Mariadb, MariadbAddress } from '../../adapters/mariadb.ts';
import type { ConfigOf } from '../../config/environment.ts';
import { findWhereabouts } from '../../store/postal/whereabouts.ts';
import type { LookUp } from './doubt.ts';

type Access = Pick<
  ConfigOf<'worker'>,
  'POSTAL_DB_HOST' | 'POSTAL_DB_PORT' | 'POSTAL_DB_USER' | 'POSTAL_DB_PASSWORD' | 'POSTAL_DB_TIMEOUT'
>;

/** Where Postal's database is asked; undefined where there is no access to it. */
export function postalDatabaseAddress(config: Access): MariadbAddress | undefined {
  const { POSTAL_DB_HOST: host, POSTAL_DB_USER: user, POSTAL_DB_PASSWORD: password } = config;
  if (host === undefined || user === undefined || password === undefined) return undefined;
  return { host, port: config.POSTAL_DB_PORT, user, password, timeoutMs: config.POSTAL_DB_TIMEOUT };
}

type Names = Pick<ConfigOf<'worker'>, 'POSTAL_API_KEY' | 'POSTAL_DB_NAME' | 'POSTAL_DB_MESSAGE_PREFIX'>;

/** The look-up in Postal's own databases. */
export function lookUpAtPostal(mariadb: Mariadb, config: Names): LookUp {
  return (mailFrom, recipients) => {
    const databases = {
      main: config.POSTAL_DB_NAME,
      messagePrefix: config.POSTAL_DB_MESSAGE_PREFIX,
      apiKey: config.POSTAL_API_KEY,
    };
    return mariadb.session((session) => findWhereabouts(session, databases, { mailFrom, recipients }));
  };
}
